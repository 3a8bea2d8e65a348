//! Where samples come from: a file that hands out its rows in blocks.
//!
//! A [`Source`] cuts its file into [`Chunk`]s, one after the other; a chunk is made into a [`Block`] of cells on any
//! thread. So a reader holds a few blocks in memory, however long the file is, and blocks are made on several threads while
//! their order stays that of the file.
//!
//! To add a format: implement [`Source`] and name it in [`open_file`]. A folder is one of pictures.

use super::arrays::ArraySource;
use super::block::Block;
use super::csv;
use super::nearest::{did_you_mean, quoted_list};
use super::open::{Kind, sniff};
use crate::error::{Error, Remedy, Result};
use crate::spec::DataFile;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::Arc;

/// A part of a file that becomes a block when it is called, on whatever thread.
pub type Chunk = Box<dyn FnOnce() -> Result<Block> + Send>;

/// Text, or bytes of the file, that one chunk covers: small enough that a dozen of them are no memory, large enough that
/// handing one to a thread costs nothing beside reading it.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Rows of a file at most: a row is known by 32 bits on the device.
pub const MAX_ROWS: u64 = u32::MAX as u64;

/// A data file that is read block by block.
pub trait Source: Send {
    /// The file and its columns.
    fn header(&self) -> &Arc<Header>;

    /// The next part of the file, or `None` at its end. A chunk must be of a bounded size whatever the file claims, and
    /// must own what it needs.
    ///
    /// # Errors
    /// [`Error::Data`] for a file that cannot be read on.
    fn next_chunk(&mut self) -> Result<Option<Chunk>>;
}

/// Opens a data file by what its name, or else its content, says it is.
///
/// # Errors
/// [`Error::Data`] for a file that cannot be read, whose head is damaged, or that has no array of the name given.
pub fn open_file(file: &DataFile) -> Result<Box<dyn Source>> {
    if file.labels.is_none() && file.path.is_dir() {
        return super::pictures::open(file);
    }
    match sniff(&file.path)? {
        (Kind::Csv, gzip) if file.labels.is_none() => csv::open(&file.path, gzip),
        #[cfg(feature = "parquet")]
        (Kind::Parquet, _) if file.labels.is_none() => Ok(Box::new(super::parquet::ParquetSource::open(&file.path)?)),
        #[cfg(not(feature = "parquet"))]
        (Kind::Parquet, _) if file.labels.is_none() => {
            let message = "this is a Parquet file, which is read by the feature `parquet`, without which this wgrad was built. \
                           Build it with `--features parquet`, or write the data as CSV";
            Err(Error::data(file.path.display().to_string(), message))
        }
        _ => Ok(Box::new(ArraySource::open(file)?)),
    }
}

/// A remark where targets are missing in a folder.
const PICTURES_HINT: &str = ". The target of pictures is \"class\", the name of the sub-folder in which they lie";

/// What is known of a file before its first row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file, for messages.
    pub path: PathBuf,
    /// Names of the columns, all different.
    pub columns: Vec<String>,
    /// The 1-based line that names them; `None` in a binary file.
    pub line: Option<u64>,
    /// Rows, columns and channels of the pictures, in a folder of them.
    pub pictures: Option<[usize; 3]>,
}

impl Header {
    /// An error about the columns.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let file = self.path.display();
        Error::data(self.line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}")), message)
    }

    /// An error about a whole column.
    pub fn column_error(&self, column: usize, message: impl Into<String>) -> Error {
        Error::data(format!("{}, column \"{}\"", self.path.display(), self.columns[column]), message)
    }

    /// An error about the whole file.
    pub fn file_error(&self, message: impl Into<String>) -> Error {
        Error::data(self.path.display().to_string(), message)
    }

    /// The positions of the columns `names`; `what` they are is for the message.
    ///
    /// # Errors
    /// [`Error::Data`] naming the columns that are missing and those that are there.
    pub fn positions(&self, names: &[String], what: &str) -> Result<Vec<usize>> {
        // A map, because an image has thousands of columns and a hostile file millions.
        let known: HashMap<&str, usize> = self.columns.iter().map(String::as_str).zip(0..).collect();
        let (mut positions, mut missing) = (Vec::with_capacity(names.len()), Vec::new());
        for name in names {
            match known.get(name.as_str()) {
                Some(position) => positions.push(*position),
                None => match self.columns_of(name) {
                    columns if columns.is_empty() => missing.push(name.as_str()),
                    columns => positions.extend(columns),
                },
            }
        }
        if missing.is_empty() {
            return Ok(positions);
        }
        let columns = self.columns.iter().map(String::as_str);
        let end = if let [one] = missing[..] { did_you_mean(one, columns) } else { ".".to_owned() };
        let plural = if missing.len() == 1 { "" } else { "s" };
        Err(self.error(format!(
            "no {what} column{plural} {} in this file{end} Its columns are {}{}",
            quoted_list(&missing),
            quoted_list(&self.columns),
            match what {
                "target" if self.pictures.is_some() => PICTURES_HINT.to_owned(),
                "target" if self.line.is_none() => {
                    format!(". Where the targets are in a file of their own, {}", Remedy::NameLabels)
                }
                _ => self.separator_hint(),
            }
        )))
    }

    /// The columns of the array `name`, which are called `name[0]` and so on; none in a file of text.
    fn columns_of(&self, name: &str) -> Vec<usize> {
        if self.line.is_some() {
            return Vec::new();
        }
        let belongs = |column: &str| column.strip_prefix(name).is_some_and(|rest| rest.starts_with('['));
        (0..self.columns.len()).filter(|&c| belongs(&self.columns[c])).collect()
    }

    /// The positions of target columns, each named once.
    pub(super) fn targets(&self, target: &[String]) -> Result<Vec<usize>> {
        let positions = self.positions(target, "target")?;
        match first_repeated(&positions) {
            Some(&twice) => Err(self.error(format!("the target column \"{}\" is listed twice", self.columns[twice]))),
            None => Ok(positions),
        }
    }

    /// A remark where the header looks as if it were separated by something other than commas.
    fn separator_hint(&self) -> String {
        let [only] = &self.columns[..] else { return String::new() };
        match [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")].into_iter().find(|(c, _)| only.contains(*c)) {
            Some((_, word)) => {
                format!(". It seems to be separated by {word}; wgrad reads commas, and tabs in a .tsv file")
            }
            None => String::new(),
        }
    }
}

/// The first of `items` that equals one before it.
pub(super) fn first_repeated<T: Eq + Hash>(items: &[T]) -> Option<&T> {
    let mut seen = HashSet::new();
    items.iter().find(|item| !seen.insert(*item))
}
