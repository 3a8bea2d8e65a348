//! CSV files: separated by commas (by tabs where they are named `.tsv`), plain or packed by gzip, UTF-8, a header in the first line, cells with the same number of commas in each row. Blank
//! lines are skipped, spaces around a cell are not part of it, and quotes work as in RFC 4180.
//!
//! The file is cut at ends of rows into chunks of about [`CHUNK_BYTES`], which are parsed on any thread.

use super::block::Block;
use super::open::{gunzip, unreadable};
use super::source::{CHUNK_BYTES, Chunk, Header, Source};
use crate::error::{Error, Result};
use csv::{ByteRecord, StringRecord};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// A row at most. A longer one is no table, but a file without line breaks, or a device without an end.
const ROW_BYTES: usize = 64 << 20;
/// The byte order mark that some programs put before UTF-8 text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A CSV file that has been opened: its header is read.
pub struct CsvSource {
    header: Arc<Header>,
    input: Box<dyn Read + Send>,
    /// Bytes that are read but not handed out; they begin at the start of a row.
    rest: Vec<u8>,
    /// The 1-based line at which `rest` begins.
    line: u64,
    ended: bool,
    separator: u8,
}

/// Opens the file, unpacked by `gzip`, and reads its header.
///
/// # Errors
/// [`Error::Data`] where the file cannot be read, and with file and line where it is empty, its header is not UTF-8 or
/// has an empty or repeated name.
pub fn open(path: &Path, gzip: bool) -> Result<Box<dyn Source>> {
    let file = std::fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    Ok(Box::new(CsvSource::new(path, if gzip { gunzip(file) } else { Box::new(file) })?))
}

impl CsvSource {
    /// Reads the header of a text that comes from elsewhere, an unpacked file for example; `path` is for the messages.
    ///
    /// # Errors
    /// As [`open`].
    pub fn new(path: &Path, input: Box<dyn Read + Send>) -> Result<CsvSource> {
        let header = Arc::new(Header { path: path.to_path_buf(), columns: Vec::new(), line: Some(1), pictures: None });
        let mut source =
            CsvSource { header, input, rest: Vec::new(), line: 1, ended: false, separator: separator(path) };
        let Some(mut first) = source.cut()? else { return Err(source.empty()) };
        if first.bytes.starts_with(MARK) {
            first.bytes.drain(..MARK.len());
        }
        if first.bytes.iter().all(u8::is_ascii_whitespace) && source.ended && source.rest.is_empty() {
            return Err(source.empty());
        }
        let mut reader = reader(&first.bytes, source.separator);
        let mut record = ByteRecord::new();
        let read = reader.read_byte_record(&mut record).map_err(|e| source.header.file_error(e.to_string()))?;
        let mut lines = LineCounter { text: &first.bytes, byte: 0, line: first.line };
        let line = lines.line_of(record.position().map_or(0, csv::Position::byte));
        if !read {
            return Err(source.empty());
        }
        let columns = check_header(path, line, record)?;
        source.header = Arc::new(Header { path: path.to_path_buf(), columns, line: Some(line), pictures: None });
        let end = reader.position().byte() as usize;
        source.line = first.line + line_breaks(&first.bytes[..end]);
        first.bytes.drain(..end);
        first.bytes.append(&mut source.rest);
        source.rest = first.bytes;
        Ok(source)
    }

    fn empty(&self) -> Error {
        self.header
            .file_error("the file is empty. A data file starts with a line of column names, then has one sample a line")
    }

    /// Takes the next whole rows off the file.
    fn cut(&mut self) -> Result<Option<Piece>> {
        let mut wanted = CHUNK_BYTES;
        loop {
            self.fill(wanted)?;
            if self.rest.is_empty() {
                return Ok(None);
            }
            let end = if self.ended { Some(self.rest.len()) } else { last_row_end(&self.rest, self.separator) };
            if let Some(end) = end {
                let rest = self.rest.split_off(end);
                let bytes = std::mem::replace(&mut self.rest, rest);
                let line = self.line;
                self.line += line_breaks(&bytes);
                return Ok(Some(Piece { bytes, line }));
            }
            if wanted >= ROW_BYTES {
                return Err(Error::data(
                    format!("{}:{}", self.header.path.display(), self.line),
                    format!(
                        "the row that begins here is longer than {} MiB, so this is no table of samples. Check that the \
                         file is a CSV file, and that no quote is left open",
                        ROW_BYTES >> 20
                    ),
                ));
            }
            wanted *= 2;
        }
    }

    /// Reads until `rest` holds `wanted` bytes or the file ends.
    fn fill(&mut self, wanted: usize) -> Result<()> {
        let missing = wanted.saturating_sub(self.rest.len()) as u64;
        if self.ended || missing == 0 {
            return Ok(());
        }
        let read = self.input.by_ref().take(missing).read_to_end(&mut self.rest);
        let read = read.map_err(|e| unreadable(&self.header.path, &e))?;
        self.ended = (read as u64) < missing;
        Ok(())
    }
}

impl Source for CsvSource {
    fn header(&self) -> &Arc<Header> {
        &self.header
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let Some(piece) = self.cut()? else { return Ok(None) };
        let header = Arc::clone(&self.header);
        let separator = self.separator;
        Ok(Some(Box::new(move || Ok(parse(header, &piece, separator)))))
    }
}

/// Whole rows, and the 1-based line at which they begin.
struct Piece {
    bytes: Vec<u8>,
    line: u64,
}

fn reader(bytes: &[u8], separator: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes)
}

/// A tab in files named `.tsv` (or `.tsv.gz`), else a comma.
fn separator(path: &Path) -> u8 {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.trim_end_matches(".gz").ends_with(".tsv") { b'\t' } else { b',' }
}

/// The end of the last row that is whole in `bytes`, which begin at the start of a row; `None` where no row is.
fn last_row_end(bytes: &[u8], separator: u8) -> Option<usize> {
    if !bytes.contains(&b'"') {
        let end = bytes.iter().rposition(|b| *b == b'\n');
        // Rows may end with a lone carriage return, but one at the very end may be half of a line break.
        let before = bytes.len().saturating_sub(1);
        let end = end.or_else(|| bytes[..before].iter().rposition(|b| *b == b'\r'));
        return end.map(|i| i + 1);
    }
    // A quoted cell may hold line breaks: the parser itself says where rows begin. The last one may go on.
    let mut reader = reader(bytes, separator);
    let mut record = ByteRecord::new();
    let mut start = 0;
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        start = record.position().map_or(0, csv::Position::byte) as usize;
    }
    (start > 0).then_some(start)
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

/// Makes cells of whole rows.
fn parse(header: Arc<Header>, piece: &Piece, separator: u8) -> Block {
    let width = header.columns.len();
    let mut block = Block::of_text(Arc::clone(&header));
    let mut reader = reader(&piece.bytes, separator);
    let mut lines = LineCounter { text: &piece.bytes, byte: 0, line: piece.line };
    let mut record = ByteRecord::new();
    // Bytes in memory cannot fail to be read, and rows may have any length.
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        let line = lines.line_of(record.position().map_or(0, csv::Position::byte));
        let fault = |message: String| Error::data(format!("{}:{line}", header.path.display()), message);
        let row = match StringRecord::from_byte_record(std::mem::take(&mut record)) {
            Ok(row) => row,
            Err(_) => {
                block.push_fault(fault(NOT_TEXT.to_owned()));
                continue;
            }
        };
        if row.len() == width {
            block.push_line(line, &row);
        } else {
            block.push_fault(fault(format!(
                "the row has {} cells, the header has {width}. Add or remove cells, and put quotes around a cell that \
                 contains a comma",
                row.len()
            )));
        }
        record = row.into_byte_record();
    }
    block
}

const NOT_TEXT: &str = "the file is not UTF-8 text. Save it as UTF-8 CSV";

/// Counts lines up to the start of each record. The reader's own line number is that of the end of the record before,
/// which is one too small after a line break of two bytes and after blank lines.
struct LineCounter<'a> {
    text: &'a [u8],
    byte: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The 1-based line of the record that starts at `byte` or after the line breaks there; `byte` must not decrease.
    fn line_of(&mut self, byte: u64) -> u64 {
        let mut end = (byte as usize).clamp(self.byte, self.text.len());
        while self.text.get(end).is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            end += 1;
        }
        self.line += line_breaks(&self.text[self.byte..end]);
        self.byte = end;
        self.line
    }
}

/// The names in a header; refuses an empty or a repeated one.
fn check_header(path: &Path, line: u64, record: ByteRecord) -> Result<Vec<String>> {
    let place = format!("{}:{line}", path.display());
    let Ok(header) = StringRecord::from_byte_record(record) else { return Err(Error::data(place, NOT_TEXT)) };
    let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let mut first_of = std::collections::HashMap::new();
    for (i, name) in columns.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::data(
                place,
                format!(
                    "column {} of {} has an empty name. Name it, or remove it (pandas writes such an index column \
                     unless told index=False)",
                    i + 1,
                    columns.len()
                ),
            ));
        }
        if let Some(first) = first_of.insert(name, i) {
            return Err(Error::data(
                place,
                format!("columns {} and {} are both named \"{name}\". Rename one of them", first + 1, i + 1),
            ));
        }
    }
    Ok(columns)
}
