//! A CSV file with a header, as text cells that know their line.

use crate::error::{Error, Result};
use csv::StringRecord;
use std::path::{Path, PathBuf};

use super::nearest::{did_you_mean, quoted_list};

/// A data file as read: names of the columns and text cells. [`RawTable::dataset`] turns it into numbers.
#[derive(Debug, Clone)]
pub struct RawTable {
    path: PathBuf,
    columns: Vec<String>,
    header_line: u64,
    records: Vec<StringRecord>,
    /// The 1-based line of the file at which each record starts.
    lines: Vec<u64>,
}

/// Reads a CSV file: comma-separated, UTF-8, a header in the first line, cells with the same number of commas in each
/// row. Blank lines are skipped, spaces around a cell are not part of it, and quotes work as in RFC 4180.
///
/// # Errors
///
/// [`Error::Data`] where the file cannot be read, and with file and line where it is empty, is not UTF-8, has
/// a header with an empty or repeated name, or has a row of another length than the header.
pub fn read_csv(path: impl AsRef<Path>) -> Result<RawTable> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
    parse_csv(path, &bytes)
}

fn unreadable(path: &Path, cause: &std::io::Error) -> Error {
    let message = match cause.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such data file. Check the path; one that a spec names is relative to the spec's folder"
                .to_owned()
        }
        std::io::ErrorKind::IsADirectory => "this is a folder, not a data file. Name a CSV file in it".to_owned(),
        _ => format!("the data file cannot be read: {cause}"),
    };
    Error::data(path.display().to_string(), message)
}

/// Parses the bytes of a CSV file; `path` is for the messages.
fn parse_csv(path: &Path, bytes: &[u8]) -> Result<RawTable> {
    let name = path.display();
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        Error::data(format!("{name}:{line}"), "the file is not UTF-8 text. Save it as UTF-8 CSV")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Error::data(
            name.to_string(),
            "the file is empty. A data file starts with a line of column names, then has one sample a line",
        ));
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut lines = LineCounter { text: text.as_bytes(), byte: 0, line: 1 };
    let mut header: Option<StringRecord> = None;
    let mut table = RawTable {
        path: path.to_path_buf(),
        columns: Vec::new(),
        header_line: 1,
        records: Vec::new(),
        lines: Vec::new(),
    };
    for record in reader.records() {
        let record = record.map_err(|e| Error::data(name.to_string(), format!("not readable as CSV: {e}")))?;
        let line = lines.line_of(record.position().map_or(0, csv::Position::byte));
        match &header {
            None => {
                check_header(path, line, &record)?;
                table.header_line = line;
                header = Some(record);
            }
            Some(header) if header.len() != record.len() => {
                return Err(ragged_row(path, line, header.len(), record.len()));
            }
            Some(_) => {
                table.records.push(record);
                table.lines.push(line);
            }
        }
    }
    if table.records.is_empty() {
        return Err(Error::data(name.to_string(), "the file has a header but no rows. Add at least one sample"));
    }
    if u32::try_from(table.records.len()).is_err() {
        return Err(Error::data(
            name.to_string(),
            format!("the file has {} rows; at most {} can be indexed. Split the file", table.records.len(), u32::MAX),
        ));
    }
    table.columns = header.iter().flatten().map(str::to_owned).collect();
    Ok(table)
}

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
        self.line += self.text[self.byte..end].iter().filter(|&&b| b == b'\n').count() as u64;
        self.byte = end;
        self.line
    }
}

fn ragged_row(path: &Path, line: u64, expected: usize, found: usize) -> Error {
    Error::data(
        format!("{}:{line}", path.display()),
        format!(
            "the row has {found} cells, the header has {expected}. Add or remove cells, and put quotes around a cell \
             that contains a comma"
        ),
    )
}

/// Refuses a header with an empty or a repeated name.
fn check_header(path: &Path, line: u64, header: &StringRecord) -> Result<()> {
    let place = format!("{}:{line}", path.display());
    for (i, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::data(
                place,
                format!(
                    "column {} of {} has an empty name. Name it, or remove it (pandas writes such an index column \
                     unless told index=False)",
                    i + 1,
                    header.len()
                ),
            ));
        }
        if let Some(first) = header.iter().take(i).position(|n| n == name) {
            return Err(Error::data(
                place,
                format!("columns {} and {} are both named \"{name}\". Rename one of them", first + 1, i + 1),
            ));
        }
    }
    Ok(())
}

impl RawTable {
    /// The file that this came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the columns, in the order of the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of samples, at least 1.
    pub fn rows(&self) -> usize {
        self.records.len()
    }

    /// The position of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// The text of a cell, without the spaces around it.
    pub(super) fn cell(&self, row: usize, column: usize) -> &str {
        &self.records[row][column]
    }

    /// `file:line, column "name"`.
    pub(super) fn place(&self, row: usize, column: usize) -> String {
        format!("{}:{}, column \"{}\"", self.path.display(), self.lines[row], self.columns[column])
    }

    /// An error about a cell.
    pub(super) fn cell_error(&self, row: usize, column: usize, message: impl Into<String>) -> Error {
        Error::data(self.place(row, column), message)
    }

    /// An error about the header.
    pub(super) fn header_error(&self, message: impl Into<String>) -> Error {
        Error::data(format!("{}:{}", self.path.display(), self.header_line), message)
    }

    /// The positions of the columns `names`; `what` they are is for the message.
    pub(super) fn positions(&self, names: &[String], what: &str) -> Result<Vec<usize>> {
        let missing: Vec<&str> = names.iter().filter(|n| self.position(n).is_none()).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(names.iter().filter_map(|n| self.position(n)).collect());
        }
        let columns = self.columns.iter().map(String::as_str);
        let end = if let [one] = missing[..] { did_you_mean(one, columns) } else { ".".to_owned() };
        let plural = if missing.len() == 1 { "" } else { "s" };
        Err(self.header_error(format!(
            "no {what} column{plural} {} in this file{end} Its columns are {}{}",
            quoted_list(&missing),
            quoted_list(&self.columns),
            self.separator_hint()
        )))
    }

    /// A remark where the header looks as if it were separated by something other than commas.
    fn separator_hint(&self) -> String {
        let [only] = &self.columns[..] else { return String::new() };
        let separator =
            [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")].into_iter().find(|(c, _)| only.contains(*c));
        separator
            .map(|(_, word)| format!(". It seems to be separated by {word}; wgrad reads commas"))
            .unwrap_or_default()
    }

    /// The cell as a finite number that fits 32 bits.
    pub(super) fn number(&self, row: usize, column: usize) -> Result<f64> {
        let text = self.cell(row, column);
        let problem = match text.parse::<f64>() {
            Ok(value) if value.abs() <= f64::from(f32::MAX) => return Ok(value),
            Ok(value) if value.is_nan() || is_word(text) => {
                format!("expected a finite number, found \"{text}\". Replace the value or remove the row")
            }
            Ok(_) => format!(
                "{text} is beyond the range of 32-bit numbers (3.4e38), in which networks train. Scale the column down"
            ),
            Err(_) if text.is_empty() => {
                "expected a number, found an empty cell. Fill in the value or remove the row".to_owned()
            }
            Err(_) => format!(
                "expected a number, found \"{text}\". Write a number with a decimal point, or remove the column or the \
                 row"
            ),
        };
        Err(self.cell_error(row, column, problem))
    }

    /// The columns at `positions` as finite numbers, rows x positions, row-major.
    pub(super) fn numbers(&self, positions: &[usize]) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(self.rows() * positions.len());
        for row in 0..self.rows() {
            for &column in positions {
                values.push(self.number(row, column)?);
            }
        }
        Ok(values)
    }
}

/// True for "inf" and "-Infinity", false for digits that overflow.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RawTable> {
        parse_csv(Path::new("d.csv"), text.as_bytes())
    }

    #[test]
    fn cells_are_trimmed_and_quotes_are_removed() {
        let table = parse("\u{feff}a,\"b, c\" , d\n 1 ,\"x \"\"y\"\"\",3\n").unwrap();
        assert_eq!(table.columns(), ["a", "b, c", "d"]);
        assert_eq!(table.rows(), 1);
        assert_eq!((table.cell(0, 0), table.cell(0, 1), table.cell(0, 2)), ("1", "x \"y\"", "3"));
    }

    #[test]
    fn lines_are_those_of_the_file_for_every_kind_of_line_break() {
        for text in [
            "a,b\n1,2\n\n\n3,4\n\"x\ny\",6\n7,8",
            "a,b\r\n1,2\r\n\r\n\r\n3,4\r\n\"x\r\ny\",6\r\n7,8\r\n",
            "a,b\n1,2\n\r\n\n3,4\r\n\"x\r\ny\",6\n7,8\r\n\r\n",
        ] {
            let table = parse(text).unwrap();
            assert_eq!(table.lines, [2, 5, 6, 8], "{text:?}");
        }
        assert_eq!(parse("\n\na,b\n1,2\n").unwrap().lines, [4]);
    }

    #[test]
    fn numbers_are_finite() {
        let table = parse("a,b\n-1.5e3,.5\nnan,-inf\n1e39,12abc\n,+7\n").unwrap();
        assert_eq!(table.number(0, 0).unwrap(), -1500.0);
        assert_eq!(table.number(0, 1).unwrap(), 0.5);
        assert_eq!(table.number(3, 1).unwrap(), 7.0);
        for (row, column, expected) in [
            (1, 0, "d.csv:3, column \"a\": expected a finite number, found \"nan\""),
            (1, 1, "d.csv:3, column \"b\": expected a finite number, found \"-inf\""),
            (2, 0, "d.csv:4, column \"a\": 1e39 is beyond the range"),
            (2, 1, "d.csv:4, column \"b\": expected a number, found \"12abc\""),
            (3, 0, "d.csv:5, column \"a\": expected a number, found an empty cell"),
        ] {
            let message = table.number(row, column).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
