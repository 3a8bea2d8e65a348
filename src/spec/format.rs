//! The format of what a run leaves on disk, stated by each of its files: `format = 2`.

/// How a run's files are to be read. A spec that a person writes need not state one.
///
/// A file without a format was written by wgrad 0.1 and is of format 1. What its absent keys mean never changes: it is what
/// 0.1 did without them, whatever later versions do. `tests/fixtures/format-1/absent.json` has the defaults of 0.1, key by
/// key, and `tests/program/format.rs` reads them. Whoever changes a default, or the meaning of a key, makes it depend on the format
/// where the file is read, and writes it into this table:
///
/// | file | key | absent in format 1 | absent in format 2 |
/// |---|---|---|---|
/// | `run.json`, `preprocessing.json`, `report.json`, `spec.toml`, checkpoints | `format` | format 1 | not possible |
///
/// A run of format 1 that goes on is written in format 2. So a default that changed is a value of [`super::Spec`], and
/// [`super::Spec::to_toml`] writes it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// What wgrad 0.1 wrote.
    One = 1,
    /// What wgrad writes from 0.2 on.
    Two = 2,
}

impl Format {
    /// The format that this version writes.
    pub const CURRENT: Format = Format::Two;

    /// The number that files state.
    pub fn number(self) -> u64 {
        self as u64
    }

    /// The format of a file that states `stated`.
    ///
    /// # Errors
    /// What is to be said of a format that this version does not know.
    pub fn of(stated: Option<u64>) -> Result<Format, String> {
        match stated {
            None | Some(1) => Ok(Format::One),
            Some(2) => Ok(Format::Two),
            Some(other) => Err(format!(
                "format {other} is not known: wgrad {} reads formats 1 to {}. Use the wgrad that wrote this, or a later one",
                env!("CARGO_PKG_VERSION"),
                Format::CURRENT.number()
            )),
        }
    }
}
