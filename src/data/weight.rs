//! How much each row counts in the loss: a column of the training file.

use super::block::Block;
use super::source::Header;
use crate::error::Result;

/// The column of weights of a file, if it is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightColumn(Option<usize>);

impl WeightColumn {
    /// The column `name`.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where it is not there, or is an array of several numbers a row.
    pub fn find(header: &Header, name: Option<&str>) -> Result<WeightColumn> {
        let Some(name) = name else { return Ok(WeightColumn(None)) };
        match header.positions(&[name.to_owned()], "weight")?[..] {
            [column] => Ok(WeightColumn(Some(column))),
            ref many => {
                let message = format!("\"{name}\" has {} numbers a row; a row has one weight", many.len());
                Err(header.error(message))
            }
        }
    }

    /// The weight of a row, as the device will hold it; `None` where rows have none.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for what is no finite number of at least 0.
    pub fn of(self, block: &Block, row: usize) -> Result<Option<f64>> {
        let Some(column) = self.0 else { return Ok(None) };
        let weight = block.number(row, column)?;
        if weight < 0.0 {
            let message = format!(
                "a weight is at least 0, found {weight}. Correct it, or write 0 for a row that is not to count"
            );
            return Err(block.cell_error(row, column, message));
        }
        Ok(Some(f64::from(weight as f32)))
    }
}
