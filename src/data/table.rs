//! A small data file whole in memory, as blocks of cells.

use super::block::Block;
use super::source::{Header, MAX_ROWS, Source, open_file};
use crate::error::Result;
use crate::exec::memory::{free_bytes, gibibytes};
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
    // The other half is for the samples that are made of the cells.
    read_all(source.as_mut(), free_bytes().map_or(u64::MAX, |free| free / 2))
}

/// Reads every row, up to `most` bytes of cells: a packed file of some MiB may hold more than there is memory.
fn read_all(source: &mut dyn Source, most: u64) -> Result<RawTable> {
    let header = Arc::clone(source.header());
    let mut table = RawTable { header, blocks: Vec::new(), rows: 0 };
    let mut bytes = 0;
    while let Some(chunk) = source.next_chunk()? {
        let mut block = chunk()?;
        if let Some(fault) = block.take_faults().into_iter().next() {
            return Err(fault.error);
        }
        bytes += block.size_bytes();
        table.rows += block.rows();
        if bytes > most {
            return Err(table.header.file_error(format!(
                "its first {} rows take {} in memory, and more follow; half of what is free may be taken. Divide the file, or \
                 close other programs",
                table.rows,
                gibibytes(u128::from(bytes))
            )));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::csv::CsvSource;

    #[test]
    fn a_table_takes_no_more_memory_than_it_may() {
        let text: String = (0..1000).map(|i| format!("{i},2\n")).collect();
        let read = |most: u64| {
            let input = std::io::Cursor::new(format!("a,b\n{text}").into_bytes());
            read_all(&mut CsvSource::new(Path::new("d.csv"), Box::new(input)).unwrap(), most)
        };
        // 2,890 digits and 1,000 twos, and four bytes for the end of each of the 2,000 cells.
        assert_eq!(read(2890 + 1000 + 4 * 2000).unwrap().rows(), 1000);
        let message = read(2890 + 1000 + 4 * 2000 - 1).unwrap_err().to_string();
        assert!(message.starts_with("d.csv: its first 1000 rows take 0.0 GiB"), "{message}");
    }
}
