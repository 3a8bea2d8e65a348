//! A block of rows: cells as text or as numbers, each of which knows its place in the file.

use super::source::Header;
use crate::error::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Some rows of a file, in its order.
#[derive(Debug)]
pub struct Block {
    header: Arc<Header>,
    slots: Slots,
    /// Rows, one after the other: of each the cells of the columns of numbers. A missing value is NaN.
    numbers: Vec<f64>,
    /// The same of the columns of text, and where each cell ends. A missing value is no text.
    text: String,
    ends: Vec<u32>,
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

/// What the columns hold.
#[derive(Debug, Clone)]
pub enum Slots {
    /// All of them text.
    Text,
    /// All of them numbers.
    Numbers,
    /// Both: what each column is, and how many there are of each kind.
    Mixed(Arc<[Slot]>, [usize; 2]),
}

/// Where a cell is: the how manieth of the columns of its kind, or of all cells of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Numbers.
    Number(usize),
    /// Text.
    Text(usize),
}

impl Slots {
    /// Columns of both kinds; `texts` says of each whether it is one of text.
    pub fn mixed(texts: impl Iterator<Item = bool>) -> Slots {
        let mut widths = [0, 0];
        let slots = texts.map(|is_text| {
            let width = &mut widths[usize::from(is_text)];
            *width += 1;
            if is_text { Slot::Text(*width - 1) } else { Slot::Number(*width - 1) }
        });
        let slots = slots.collect();
        Slots::Mixed(slots, widths)
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
    fn new(header: Arc<Header>, slots: Slots, places: Places) -> Block {
        let (numbers, text, ends) = Default::default();
        Block { header, slots, numbers, text, ends, places, faults: Vec::new() }
    }

    /// An empty block for rows of text, to be filled by `Block::push_line`.
    pub fn of_text(header: Arc<Header>) -> Block {
        Block::new(header, Slots::Text, Places::Lines(Vec::new()))
    }

    /// A block of numbers, row-major: as many columns as the header has. `first` is the 0-based row of the file that the
    /// first one is. Numbers may be anything, infinite or NaN: they are checked where they are used.
    pub fn of_numbers(header: Arc<Header>, first: u64, numbers: Vec<f64>) -> Block {
        let count = numbers.len() / header.columns.len().max(1);
        Block { numbers, ..Block::new(header, Slots::Numbers, Places::Rows { first, count }) }
    }

    /// An empty block, to be filled by `Block::push_row`; `first` is the 0-based row of the file that the first one is.
    pub fn of_rows(header: Arc<Header>, slots: Slots, first: u64) -> Block {
        Block::new(header, slots, Places::Rows { first, count: 0 })
    }

    /// An empty block for rows that are files of their own, to be filled by `Block::push_file`.
    pub fn of_files(header: Arc<Header>, slots: Slots) -> Block {
        Block::new(header, slots, Places::Files(Vec::new()))
    }

    /// Adds a row of text that starts at the 1-based `line`: a cell for each column, without the spaces around it.
    pub fn push_line<'a>(&mut self, line: u64, texts: impl IntoIterator<Item = &'a str>) {
        self.push([], texts);
        if let Places::Lines(lines) = &mut self.places {
            lines.push(line);
        }
    }

    /// Adds the row that comes next in the file: its numbers and its texts, as many as there are columns of each kind.
    pub fn push_row<'a>(&mut self, numbers: impl IntoIterator<Item = f64>, texts: impl IntoIterator<Item = &'a str>) {
        self.push(numbers, texts);
        if let Places::Rows { count, .. } = &mut self.places {
            *count += 1;
        }
    }

    /// Adds the row that is the file at `path`: its numbers and its texts, as many as there are columns of each kind.
    pub fn push_file<'a>(
        &mut self,
        path: PathBuf,
        numbers: impl IntoIterator<Item = f64>,
        texts: impl IntoIterator<Item = &'a str>,
    ) {
        self.push(numbers, texts);
        if let Places::Files(files) = &mut self.places {
            files.push(path);
        }
    }

    fn push<'a>(&mut self, numbers: impl IntoIterator<Item = f64>, texts: impl IntoIterator<Item = &'a str>) {
        self.numbers.extend(numbers);
        for cell in texts {
            self.text.push_str(cell.trim());
            self.ends.push(self.text.len() as u32);
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

    /// Where a cell is among the numbers or the texts.
    fn slot(&self, row: usize, column: usize) -> Slot {
        let cell = row * self.header.columns.len() + column;
        match &self.slots {
            Slots::Text => Slot::Text(cell),
            Slots::Numbers => Slot::Number(cell),
            Slots::Mixed(slots, [numbers, texts]) => match slots[column] {
                Slot::Number(at) => Slot::Number(row * numbers + at),
                Slot::Text(at) => Slot::Text(row * texts + at),
            },
        }
    }

    fn slice(&self, cell: usize) -> &str {
        let start = if cell == 0 { 0 } else { self.ends[cell - 1] as usize };
        &self.text[start..self.ends[cell] as usize]
    }

    /// The cell as text.
    pub fn text(&self, row: usize, column: usize) -> std::borrow::Cow<'_, str> {
        match self.slot(row, column) {
            Slot::Text(at) => self.slice(at).into(),
            Slot::Number(at) => self.numbers[at].to_string().into(),
        }
    }

    /// The cell as whatever number it is; `None` for text.
    pub fn parsed(&self, row: usize, column: usize) -> Option<f64> {
        match self.slot(row, column) {
            Slot::Text(at) => self.slice(at).parse().ok(),
            Slot::Number(at) => Some(self.numbers[at]),
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

/// True for "inf" and "-Infinity", false for digits that overflow.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit())
}
