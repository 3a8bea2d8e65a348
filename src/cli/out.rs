//! Printing: results to stdout, words to stderr. A closed pipe is no panic.

use crate::error::Error;
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
