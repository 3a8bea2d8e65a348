//! What stands for a missing number under `missing = "mean"`: the mean of the training rows, in which no held-out row has a part.
//!
//! Rows are read with NaN for a missing number, since which of them train is known later; the means are found then.

use super::{Dataset, Fit, Missing, Scale, Schema};
use crate::error::{Error, Result};
use std::path::Path;

/// A fit that finds means where `missing` wants some, and nothing else.
pub(super) fn mean_fit(missing: Missing, width: usize) -> Fit {
    Fit::new(if missing == Missing::Mean { Scale::Standard } else { Scale::None }, width)
}

/// Writes the means of `fit` into the schema's encoding; nothing where it wants none. `path` is the training file, for the message.
///
/// # Errors
/// [`Error::Data`] for a column without a number in any training row.
pub(super) fn keep_means(fit: &Fit, schema: &mut Schema, path: &Path) -> Result<()> {
    let Some(encoding) = &mut schema.encoding else { return Ok(()) };
    let mut feature = 0;
    for column in &encoding.columns {
        if let Some(kept) = encoding.means.get_mut(column) {
            *kept = fit.mean(feature).ok_or_else(|| {
                let message = "every number is missing in the rows to train on, so that there is no mean. List the column in \
                               `ignore`, or hold out fewer rows";
                Error::data(format!("{}, column \"{column}\"", path.display()), message)
            })?;
        }
        feature += encoding.categories.get(column).map_or(1, Vec::len);
    }
    Ok(())
}

/// Finds the means over the rows `train` of `data`, puts them into `schema` and in the place of every missing number.
///
/// # Errors
/// As `keep_means`.
pub(crate) fn fill_means(data: &mut Dataset, schema: &mut Schema, train: &[u32], path: &Path) -> Result<()> {
    if schema.encoding.as_ref().is_none_or(|encoding| encoding.means.is_empty()) {
        return Ok(());
    }
    let width = data.inputs;
    let mut fit = mean_fit(Missing::Mean, width);
    train.iter().for_each(|&row| fit.add(&data.x[row as usize * width..][..width]));
    keep_means(&fit, schema, path)?;
    for row in data.x.chunks_exact_mut(width.max(1)) {
        // A category is never NaN, and a number without a mean is in no training row only where that was refused.
        for (column, value) in row.iter_mut().enumerate().filter(|(_, value)| value.is_nan()) {
            *value = fit.mean(column).unwrap_or_default();
        }
    }
    Ok(())
}
