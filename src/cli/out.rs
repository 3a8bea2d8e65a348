//! Printing: results to stdout, words to stderr. A closed pipe is no panic.

use crate::error::Error;
use crate::exec::Device;
use crate::model::weights::write_atomically;
use anyhow::Context;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints a result to stdout.
pub fn result(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end)).and_then(|()| stdout.flush());
    written.context("the result could not be written to stdout")
}

/// Prints words to stderr. Where stderr is closed there is nobody to tell.
pub fn words(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says which device it is, and the tuning in use, if any.
pub fn device(device: &Device) {
    words(&format!("device    {} ({})", device.name(), device.reason()));
    if let Some(tuning) = device.tuning() {
        words(&format!("tuning    {}", tuning.source));
    }
}

/// Says how many rows were passed over and which were the first, if any were.
pub fn passed_over(count: usize, messages: &[String]) {
    if count > 0 {
        words(&format!("rows        {} passed over:", self::count(count as u64)));
        messages.iter().for_each(|row| words(&printable(&format!("            {row}"))));
    }
}

/// A message as a terminal may show it. What a file holds is quoted in messages: control characters in it would move the
/// cursor or change the terminal's title, and a cell may have megabytes.
pub fn printable(message: &str) -> String {
    /// Characters from the beginning, where the place stands, and from the end, where the remedy does.
    const FIRST: usize = 2000;
    const LAST: usize = 500;
    let shown = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() })
            .collect()
    };
    let (Some((first, _)), Some((last, _))) =
        (message.char_indices().nth(FIRST), message.char_indices().nth_back(LAST))
    else {
        return shown(message);
    };
    if last <= first {
        return shown(message);
    }
    format!("{} [{} bytes left out] {}", shown(&message[..first]), last - first, shown(&message[last..]))
}

/// Prints JSON to stdout for `-`, else writes the file.
pub fn json(target: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    file(target, &format!("{text}\n"))
}

/// Prints `text` to stdout for `-`, else writes the file as a whole.
pub fn file(target: &Path, text: &str) -> anyhow::Result<()> {
    if target == Path::new("-") { result(text) } else { Ok(write_atomically(target, text.as_bytes())?) }
}

/// True for an error that only says that stdout's reader went away.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|e| e.downcast_ref::<std::io::Error>().is_some_and(closed))
        && !matches!(error.downcast_ref::<Error>(), Some(Error::Io { .. }))
}

/// Bytes for people: 1,536 is "1.5 KiB".
pub fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A count with thousands separated.
pub fn count(n: u64) -> String {
    indicatif::HumanCount(n).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_does_not_reach_the_terminal_as_it_is() {
        assert_eq!(printable("a\u{1b}]0;title\u{7}\nb"), "a\\u{1b}]0;title\\u{7}\nb");
        let long = format!("d.csv:1: {} remedy", "é".repeat(10_000));
        let text = printable(&long);
        assert!(
            text.starts_with("d.csv:1: é") && text.ends_with("é remedy") && text.contains("bytes left out"),
            "{text}"
        );
        assert!(text.chars().count() < 2600);
        let short = "é".repeat(2400);
        assert_eq!(printable(&short), short);
    }
}
