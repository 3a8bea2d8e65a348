//! A block of rows: cells as text or as numbers, each of which knows its place in the file.

use super::source::Header;
use crate::error::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Some rows of a file, in its order.
#[derive(Debug)]
pub struct Block {
    header: Arc<Header>,
    cells: Cells,
    places: Places,
    faults: Vec<Fault>,
}

/// A row that has no cells to speak of: too few, too many, not text.
#[derive(Debug)]
pub struct Fault {
    /// Rows of the block that stand before it.
    pub before: usize,
    /// Where it is and what is wrong.
    pub error: Error,
}

#[derive(Debug)]
enum Cells {
    /// The cells' texts, one after the other, and where each ends.
    Text { text: String, ends: Vec<u32> },
    /// Row-major.
    Numbers(Vec<f64>),
    /// Columns of both kinds.
    Mixed(Mixed),
}

/// Rows with columns of numbers and columns of text. A missing value is NaN, or no text.
#[derive(Debug)]
pub struct Mixed {
    slots: Arc<[Slot]>,
    /// Columns of each kind.
    widths: [usize; 2],
    /// rows x columns of numbers.
    numbers: Vec<f64>,
    /// The cells of the columns of text, one after the other, and where each ends.
    text: String,
    ends: Vec<u32>,
}

/// What a column is: the how manieth of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Numbers.
    Number(usize),
    /// Text.
    Text(usize),
}

impl Mixed {
    /// No rows, with a slot for each column of the header.
    pub fn new(slots: Arc<[Slot]>) -> Mixed {
        let numbers = slots.iter().filter(|slot| matches!(slot, Slot::Number(_))).count();
        let widths = [numbers, slots.len() - numbers];
        Mixed { slots, widths, numbers: Vec::new(), text: String::new(), ends: Vec::new() }
    }

    /// Adds a row: a number for each column of numbers, a text for each of text.
    pub fn push(&mut self, numbers: &[f64], texts: &[&str]) {
        self.numbers.extend_from_slice(numbers);
        for cell in texts {
            self.text.push_str(cell.trim());
            self.ends.push(self.text.len() as u32);
        }
    }

    fn text(&self, row: usize, column: usize) -> std::borrow::Cow<'_, str> {
        match self.slots[column] {
            Slot::Number(at) => self.numbers[row * self.widths[0] + at].to_string().into(),
            Slot::Text(at) => slice(&self.text, &self.ends, row * self.widths[1] + at).into(),
        }
    }

    fn parsed(&self, row: usize, column: usize) -> Option<f64> {
        match self.slots[column] {
            Slot::Number(at) => Some(self.numbers[row * self.widths[0] + at]),
            Slot::Text(at) => slice(&self.text, &self.ends, row * self.widths[1] + at).parse().ok(),
        }
    }
}

#[derive(Debug)]
enum Places {
    /// The 1-based line of the file at which each row starts.
    Lines(Vec<u64>),
    /// The 0-based row of the file that the first one is, and how many there are.
    Rows { first: u64, count: usize },
    /// The file that each row is.
    Files(Vec<PathBuf>),
}

impl Block {
    /// An empty block for rows of text, to be filled by `Block::push`.
    pub fn of_text(header: Arc<Header>) -> Block {
        let cells = Cells::Text { text: String::new(), ends: Vec::new() };
        Block { header, cells, places: Places::Lines(Vec::new()), faults: Vec::new() }
    }

    /// A block of numbers, row-major: as many columns as the header has. `first` is the 0-based row of the file that the
    /// first one is. Numbers may be anything, infinite or NaN: they are checked where they are used.
    pub fn of_numbers(header: Arc<Header>, first: u64, values: Vec<f64>) -> Block {
        let count = values.len() / header.columns.len().max(1);
        Block { header, cells: Cells::Numbers(values), places: Places::Rows { first, count }, faults: Vec::new() }
    }

    /// Adds a row of text that starts at the 1-based `line`: a cell for each column, without the spaces around it.
    pub fn push<'a>(&mut self, line: u64, row: impl Iterator<Item = &'a str>) {
        if let (Cells::Text { text, ends }, Places::Lines(lines)) = (&mut self.cells, &mut self.places) {
            for cell in row {
                text.push_str(cell.trim());
                ends.push(text.len() as u32);
            }
            lines.push(line);
        }
    }

    /// A block of so many rows; `first` is the 0-based row of the file that the first one is.
    pub fn of_mixed(header: Arc<Header>, first: u64, count: usize, mixed: Mixed) -> Block {
        Block { header, cells: Cells::Mixed(mixed), places: Places::Rows { first, count }, faults: Vec::new() }
    }

    /// An empty block for rows that are files of their own, to be filled by `Block::push_file`.
    pub fn of_files(header: Arc<Header>, mixed: Mixed) -> Block {
        Block { header, cells: Cells::Mixed(mixed), places: Places::Files(Vec::new()), faults: Vec::new() }
    }

    /// Adds the row that is the file at `path`: its numbers and its texts, as many as there are columns of each kind.
    pub fn push_file(&mut self, path: PathBuf, numbers: &[f64], texts: &[&str]) {
        if let (Cells::Mixed(mixed), Places::Files(files)) = (&mut self.cells, &mut self.places) {
            mixed.push(numbers, texts);
            files.push(path);
        }
    }

    /// Notes that a row at this place cannot be used.
    pub fn push_fault(&mut self, error: Error) {
        self.faults.push(Fault { before: self.rows(), error });
    }

    /// Number of rows that have cells.
    pub fn rows(&self) -> usize {
        match &self.places {
            Places::Lines(lines) => lines.len(),
            Places::Rows { count, .. } => *count,
            Places::Files(files) => files.len(),
        }
    }

    /// Takes out the rows that have none.
    pub fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// `file:line, column "name"`, or `file, row 7, column "name"` (from 0) where there are no lines; where rows are files,
    /// the row's file.
    pub fn place(&self, row: usize, column: usize) -> String {
        let (file, column) = (self.header.path.display(), &self.header.columns[column]);
        match &self.places {
            Places::Lines(lines) => format!("{file}:{}, column \"{column}\"", lines[row]),
            Places::Rows { first, .. } => format!("{file}, row {}, column \"{column}\"", first + row as u64),
            Places::Files(files) => format!("{}, column \"{column}\"", files[row].display()),
        }
    }

    /// An error about a cell.
    pub fn cell_error(&self, row: usize, column: usize, message: impl Into<String>) -> Error {
        Error::data(self.place(row, column), message)
    }

    /// The cell as text.
    pub fn text(&self, row: usize, column: usize) -> std::borrow::Cow<'_, str> {
        match &self.cells {
            Cells::Text { text, ends } => slice(text, ends, row * self.header.columns.len() + column).into(),
            Cells::Numbers(values) => values[row * self.header.columns.len() + column].to_string().into(),
            Cells::Mixed(mixed) => mixed.text(row, column),
        }
    }

    /// The cell as whatever number it is; `None` for text.
    pub fn parsed(&self, row: usize, column: usize) -> Option<f64> {
        let at = row * self.header.columns.len() + column;
        match &self.cells {
            Cells::Text { text, ends } => slice(text, ends, at).parse().ok(),
            Cells::Numbers(values) => Some(values[at]),
            Cells::Mixed(mixed) => mixed.parsed(row, column),
        }
    }

    /// The cell as a finite number that fits 32 bits.
    ///
    /// # Errors
    /// [`Error::Data`] with the place of the cell.
    pub fn number(&self, row: usize, column: usize) -> Result<f64> {
        match self.parsed(row, column) {
            Some(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
            found => Err(self.no_number(row, column, found)),
        }
    }

    fn no_number(&self, row: usize, column: usize, found: Option<f64>) -> Error {
        let text = self.text(row, column);
        let problem = match found {
            Some(value) if value.is_nan() || is_word(&text) => {
                format!("expected a finite number, found \"{text}\". Replace the value or remove the row")
            }
            Some(_) => format!(
                "{text} is beyond the range of 32-bit numbers (3.4e38), in which networks train. Scale the column down"
            ),
            None if text.is_empty() => {
                "expected a number, found an empty cell. Fill in the value or remove the row".to_owned()
            }
            None => format!(
                "expected a number, found \"{text}\". Write a number with a decimal point, or remove the column or the \
                 row"
            ),
        };
        self.cell_error(row, column, problem)
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], cell: usize) -> &'a str {
    let start = if cell == 0 { 0 } else { ends[cell - 1] as usize };
    &text[start..ends[cell] as usize]
}

/// True for "inf" and "-Infinity", false for digits that overflow.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Arc<Header> {
        let columns = vec!["a".to_owned(), "b".to_owned()];
        Arc::new(Header { path: "d.csv".into(), columns, line: Some(1), pictures: None })
    }

    #[test]
    fn numbers_are_finite() {
        let mut block = Block::of_text(header());
        for (line, row) in [(2, ["-1.5e3", ".5"]), (3, ["nan", "-inf"]), (4, ["1e39", "12abc"]), (5, ["", "+7"])] {
            block.push(line, row.into_iter());
        }
        assert_eq!(block.number(0, 0).unwrap(), -1500.0);
        assert_eq!(block.number(0, 1).unwrap(), 0.5);
        assert_eq!(block.number(3, 1).unwrap(), 7.0);
        for (row, column, expected) in [
            (1, 0, "d.csv:3, column \"a\": expected a finite number, found \"nan\""),
            (1, 1, "d.csv:3, column \"b\": expected a finite number, found \"-inf\""),
            (2, 0, "d.csv:4, column \"a\": 1e39 is beyond the range"),
            (2, 1, "d.csv:4, column \"b\": expected a number, found \"12abc\""),
            (3, 0, "d.csv:5, column \"a\": expected a number, found an empty cell"),
        ] {
            let message = block.number(row, column).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn numbers_of_a_binary_file_are_known_by_their_row() {
        let block = Block::of_numbers(header(), 10, vec![1.0, 2.0, f64::NAN, 1e300]);
        assert_eq!((block.rows(), block.number(0, 1).unwrap()), (2, 2.0));
        let message = block.number(1, 0).unwrap_err().to_string();
        assert!(message.starts_with("d.csv, row 11, column \"a\": expected a finite number"), "{message}");
        let message = block.number(1, 1).unwrap_err().to_string();
        assert!(message.contains("beyond the range"), "{message}");
        assert_eq!(block.text(0, 1), "2");
    }
}
