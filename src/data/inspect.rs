//! What a data file holds, column by column: one reading, a few numbers a column.

use super::block::Block;
use super::inputs::{LONGEST_CATEGORY, is_missing};
use super::open::{Kind, sniff};
use super::source::open_file;
use crate::error::Result;
use crate::spec::DataFile;
use std::collections::BTreeMap;

/// Distinct values of a column that are counted; of a column with more it is only known that there are more.
pub const MOST_VALUES: usize = 50;

/// A file, looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// Rows of the file.
    pub rows: u64,
    /// False where the columns are elements of arrays, true for tables.
    pub is_text: bool,
    /// Its columns, in order.
    pub columns: Vec<Facts>,
    /// Rows with too few cells, too many, or bytes that are no text.
    pub malformed: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Rows without a value.
    pub missing: u64,
    /// Rows with a number.
    pub numbers: u64,
    /// Rows with text that is no number.
    pub texts: u64,
    /// Whether every number is a whole one.
    pub is_whole: bool,
    /// The smallest number; infinite where there is none.
    pub min: f64,
    /// The largest number.
    pub max: f64,
    /// The mean of the numbers.
    pub mean: f64,
    /// How often each value occurs; `None` where there are more than [`MOST_VALUES`].
    pub values: Option<BTreeMap<String, u64>>,
}

impl Facts {
    fn new(name: &str) -> Facts {
        Facts {
            name: name.to_owned(),
            missing: 0,
            numbers: 0,
            texts: 0,
            is_whole: true,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
            values: Some(BTreeMap::new()),
        }
    }

    /// Rows with a value.
    pub fn present(&self) -> u64 {
        self.numbers + self.texts
    }

    /// True where all values are equal.
    pub fn is_constant(&self) -> bool {
        self.values.as_ref().is_some_and(|values| values.len() == 1)
    }

    /// True where every value is a number.
    pub fn is_number(&self) -> bool {
        self.numbers > 0 && self.texts == 0
    }

    fn add(&mut self, block: &Block, row: usize, column: usize) {
        let text = block.text(row, column);
        if is_missing(&text) {
            self.missing += 1;
            return;
        }
        match block.parsed(row, column).filter(|v| v.is_finite()) {
            Some(value) => {
                self.numbers += 1;
                self.is_whole &= value.fract() == 0.0;
                self.min = self.min.min(value);
                self.max = self.max.max(value);
                self.mean += (value - self.mean) / self.numbers as f64;
            }
            None => self.texts += 1,
        }
        if let Some(values) = &mut self.values {
            if let Some(count) = values.get_mut(text.as_ref()) {
                *count += 1;
            } else if values.len() < MOST_VALUES && text.len() <= LONGEST_CATEGORY {
                values.insert(text.into_owned(), 1);
            } else {
                self.values = None;
            }
        }
    }
}

/// Looks at a data file.
///
/// # Errors
/// [`crate::Error::Data`] for a file that cannot be read.
pub fn inspect(file: &DataFile) -> Result<Inspection> {
    let mut source = open_file(file)?;
    let header = source.header();
    let is_text = header.line.is_some() || sniff(&file.path)?.0 == Kind::Parquet;
    let mut columns: Vec<Facts> = header.columns.iter().map(|name| Facts::new(name)).collect();
    let (mut rows, mut malformed) = (0, 0);
    while let Some(chunk) = source.next_chunk()? {
        let mut block = chunk()?;
        malformed += block.take_faults().len() as u64;
        rows += block.rows() as u64;
        for row in 0..block.rows() {
            columns.iter_mut().enumerate().for_each(|(column, facts)| facts.add(&block, row, column));
        }
    }
    super::read::check_rows(source.header(), rows)?;
    Ok(Inspection { rows, is_text, columns, malformed })
}
