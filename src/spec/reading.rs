//! How data files are read: how much of them is held in memory, what is shuffled, what is passed over.

use crate::error::Result;
use toml::de::DeValue;

use super::table::{Source, Table, Value};

/// Keys of `[data]` that say how files are read. None of their defaults depends on the machine, so that results do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `memory`: bytes of samples (4 a number) that are held in memory; more are kept in a file.
    pub memory: u64,
    /// `shuffle_window`: bytes of samples of such a file that are shuffled together.
    pub shuffle_window: u64,
    /// `shuffle_block`: bytes of samples that are read together, from a random place of the file.
    pub shuffle_block: u64,
    /// `skip_bad_rows`: malformed rows that are passed over.
    pub skip_bad_rows: usize,
}

impl Default for Reading {
    fn default() -> Reading {
        // Memory: samples are three times as large while they are read (f64 beside f32), so this stays below 1 GiB. Window: some
        // 80,000 rows of 100 numbers, of which four are in memory. Block: 16 and more of them are what a disk reads at its best
        // rate, and 128 of them make a window, so that its rows come from all over the file.
        Reading { memory: 256 << 20, shuffle_window: 32 << 20, shuffle_block: 256 << 10, skip_bad_rows: 0 }
    }
}

/// Units of sizes, the largest first.
const UNITS: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Reading {
    pub(super) fn read(table: &Table<'_>) -> Result<Reading> {
        let (source, default) = (table.source(), Reading::default());
        let bytes = |key, default| table.get(key).map_or(Ok(default), |value| bytes(source, key, value));
        let reading = Reading {
            memory: bytes("memory", default.memory)?,
            shuffle_window: bytes("shuffle_window", default.shuffle_window)?,
            shuffle_block: bytes("shuffle_block", default.shuffle_block)?,
            skip_bad_rows: table.get("skip_bad_rows").map_or(Ok(0), |value| count(source, value))?,
        };
        Ok(reading)
    }

    pub(super) fn write(&self, out: &mut String) -> std::fmt::Result {
        use std::fmt::Write;
        writeln!(out, "memory = \"{}\"", text(self.memory))?;
        writeln!(out, "shuffle_window = \"{}\"", text(self.shuffle_window))?;
        writeln!(out, "shuffle_block = \"{}\"", text(self.shuffle_block))?;
        writeln!(out, "skip_bad_rows = {}", self.skip_bad_rows)
    }
}

/// The size in the largest unit that leaves no rest.
fn text(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    unit.map_or_else(|| format!("{bytes} B"), |(name, size)| format!("{} {name}", bytes / size))
}

fn bytes(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<u64> {
    let expected = "a size such as \"256 MiB\" (B, KiB, MiB, GiB or TiB)";
    let written = source.text_of(key, expected, value)?;
    parsed(written)
        .ok_or_else(|| source.error(&value.span(), format!("`{key}` must be {expected}, found \"{written}\"")))
}

fn parsed(written: &str) -> Option<u64> {
    let digits = written.len() - written.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = written.split_at(digits);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

fn count(source: &Source<'_>, value: &Value<'_>) -> Result<usize> {
    let number = match value.get_ref() {
        DeValue::Integer(i) => usize::from_str_radix(i.as_str(), i.radix()).ok(),
        _ => None,
    };
    number.ok_or_else(|| source.wrong_type("skip_bad_rows", "a whole number of at least 0", value))
}
