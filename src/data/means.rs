//! What stands for a missing number under `missing = "mean"`: the mean of the training rows, in which no held-out row has a part.
//!
//! Rows are read with NaN for a missing number, since which of them train is known later; the means are found then.

use super::{Dataset, Schema};
use crate::error::{Error, Result};
use std::path::Path;

/// Means that are being found, row by row.
#[derive(Debug, Clone)]
pub(super) struct MeanFit {
    /// Of each feature the numbers seen and their mean.
    of: Vec<(f64, f64)>,
}

impl MeanFit {
    /// No rows of `width` features yet.
    pub fn new(width: usize) -> MeanFit {
        MeanFit { of: vec![(0.0, 0.0); width] }
    }

    /// Takes in a training row, NaN for a missing number.
    pub fn add(&mut self, row: &[f64]) {
        for ((count, mean), value) in self.of.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
            *count += 1.0;
            *mean += (value - *mean) / *count;
        }
    }

    /// Writes the means into the schema's encoding; nothing where it wants none. `path` is the training file, for the message.
    ///
    /// # Errors
    /// [`Error::Data`] for a column without a number in any training row.
    pub fn finish(&self, schema: &mut Schema, path: &Path) -> Result<()> {
        let Some(encoding) = &mut schema.encoding else { return Ok(()) };
        let mut feature = 0;
        for column in &encoding.columns {
            if let Some(kept) = encoding.means.get_mut(column) {
                let (count, mean) = self.of[feature];
                if count == 0.0 {
                    let message = "every number is missing in the rows to train on, so that there is no mean. List the column in \
                                   `ignore`, or hold out fewer rows";
                    return Err(Error::data(format!("{}, column \"{column}\"", path.display()), message));
                }
                *kept = mean;
            }
            feature += encoding.categories.get(column).map_or(1, Vec::len);
        }
        Ok(())
    }
}

/// Finds the means over the rows `train` of `data`, puts them into `schema` and in the place of every missing number.
///
/// # Errors
/// As `MeanFit::finish`.
pub(crate) fn fill_means(data: &mut Dataset, schema: &mut Schema, train: &[u32], path: &Path) -> Result<()> {
    if schema.encoding.as_ref().is_none_or(|encoding| encoding.means.is_empty()) {
        return Ok(());
    }
    let width = data.inputs;
    let mut fit = MeanFit::new(width);
    train.iter().for_each(|&row| fit.add(&data.x[row as usize * width..][..width]));
    fit.finish(schema, path)?;
    for row in data.x.chunks_exact_mut(width.max(1)) {
        // A category is never NaN, and a number without a mean is in no training row only where that was refused.
        for (value, (_, mean)) in row.iter_mut().zip(&fit.of).filter(|(value, _)| value.is_nan()) {
            *value = *mean;
        }
    }
    Ok(())
}
