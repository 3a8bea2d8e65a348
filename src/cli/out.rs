//! Printing: results to stdout, words to stderr. A closed pipe is no panic.

use crate::error::Error;
use crate::exec::Device;
use crate::nn::weights::write_atomically;
pub use crate::report::html::format::count;
use anyhow::Context;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

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

/// Prints words to stderr, made as `format!` makes them.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::out::words(&format!($($text)*)) };
}
pub(crate) use say;

/// Says which device it is, and the tuning in use, if any.
pub fn device(device: &Device) {
    say!("device    {} ({})", device.name(), device.reason());
    if let Some(tuning) = device.tuning() {
        say!("tuning    {}", tuning.source);
    }
}

/// Says how many rows were passed over and which were the first, if any were.
pub fn passed_over(count: usize, messages: &[String]) {
    if count > 0 {
        say!("rows        {} passed over:", self::count(count));
        messages.iter().for_each(|row| words(&printable(&format!("            {row}"))));
    }
}

/// A message as a terminal may show it. What a file holds is quoted in messages: control characters in it would move the
/// cursor or change the terminal's title, and a cell may have megabytes.
pub fn printable(message: &str) -> String {
    /// Characters from the beginning, where the place stands, and from the end, where the remedy does.
    const FIRST: usize = 2000;
    const LAST: usize = 500;
    let escaped = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    let shown = |text: &str| text.chars().map(escaped).collect::<String>();
    match (message.char_indices().nth(FIRST), message.char_indices().nth_back(LAST)) {
        (Some((first, _)), Some((last, _))) if first < last => {
            format!("{} [{} bytes left out] {}", shown(&message[..first]), last - first, shown(&message[last..]))
        }
        _ => shown(message),
    }
}

/// Writes `value` to the target of `--json`, where there is one; otherwise prints its text.
pub fn json_or_text(to: &Option<PathBuf>, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    match to {
        Some(target) => file(target, &format!("{}\n", serde_json::to_string_pretty(value)?)),
        None => result(&text()),
    }
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

/// A share of one in per cent.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A metric: a share of one in per cent, another number to six digits.
pub fn metric(value: f64, is_share: bool) -> String {
    if is_share { percent(value) } else { format!("{value:.6}") }
}
