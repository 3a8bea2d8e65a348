//! A small data file whole in memory, as blocks of cells.

use super::block::Block;
use super::source::{Header, MAX_ROWS, Source, open_file};
use crate::error::Result;
use crate::spec::DataFile;
use std::path::Path;
use std::sync::Arc;

/// A data file as read: names of the columns and cells. [`RawTable::dataset`] turns it into numbers.
#[derive(Debug)]
pub struct RawTable {
    pub(super) header: Arc<Header>,
    pub(super) blocks: Vec<Block>,
    rows: usize,
}

/// Reads a data file whole: a CSV file, or what else [`open`](super::source::open) knows.
///
/// # Errors
///
/// [`Error::Data`](crate::Error::Data) where the file cannot be read, and with file and line where it is empty, is not
/// UTF-8, has a header with an empty or repeated name, or has a row of another length than the header.
pub fn read_csv(path: impl AsRef<Path>) -> Result<RawTable> {
    read_table(&DataFile::at(path.as_ref()))
}

/// The same for a file with an array or with labels named.
///
/// # Errors
///
/// As [`read_csv`].
pub fn read_table(file: &DataFile) -> Result<RawTable> {
    let mut source = open_file(file)?;
    read_all(source.as_mut())
}

fn read_all(source: &mut dyn Source) -> Result<RawTable> {
    let header = Arc::clone(source.header());
    let mut table = RawTable { header, blocks: Vec::new(), rows: 0 };
    while let Some(chunk) = source.next_chunk()? {
        let mut block = chunk()?;
        if let Some(fault) = block.take_faults().into_iter().next() {
            return Err(fault.error);
        }
        table.rows += block.rows();
        table.blocks.push(block);
    }
    check_rows(&table.header, table.rows as u64)?;
    Ok(table)
}

/// Refuses a file with no rows, or with more than can be numbered.
pub(super) fn check_rows(header: &Header, rows: u64) -> Result<()> {
    match rows {
        0 => Err(header.file_error("the file has a header but no rows. Add at least one sample")),
        1..=MAX_ROWS => Ok(()),
        _ => {
            Err(header.file_error(format!("the file has more rows than the {MAX_ROWS} that can be indexed. Split it")))
        }
    }
}

impl RawTable {
    /// The file that this came from.
    pub fn path(&self) -> &Path {
        &self.header.path
    }

    /// Names of the columns, in the order of the file.
    pub fn columns(&self) -> &[String] {
        &self.header.columns
    }

    /// Number of samples, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }
}
