//! Which rows train and which validate.

use crate::error::{Error, Result};
use std::path::Path;

use super::rng::{Purpose, permutation, stream};

/// Divides 0..`rows` into training rows and validation rows, by the seeded permutation.
///
/// round(`fraction` * `rows`) rows validate, but at least one row stays on each side. `path` is the file that the rows
/// come from, for the message.
///
/// # Errors
///
/// [`Error::Data`] where there are fewer than two rows.
pub fn split_rows(rows: usize, fraction: f64, seed: u64, path: &Path) -> Result<(Vec<u32>, Vec<u32>)> {
    if rows < 2 {
        return Err(Error::data(
            path.display().to_string(),
            format!(
                "a validation fraction of {fraction} needs at least 2 rows (one to train, one to validate), found \
                 {rows}. Add rows, or leave out `validation` in [data]"
            ),
        ));
    }
    let held_out = ((fraction * rows as f64).round() as usize).clamp(1, rows - 1);
    let mut validation = permutation(seed, stream(Purpose::Split, 0), rows);
    let train = validation.split_off(held_out);
    Ok((train, validation))
}
