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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_side() {
        for (rows, fraction, held_out) in [(10, 0.2, 2), (1797, 0.2, 359), (2, 0.01, 1), (2, 0.99, 1), (3, 0.5, 2)] {
            let (train, validation) = split_rows(rows, fraction, 5, Path::new("d.csv")).unwrap();
            assert_eq!(validation.len(), held_out, "{rows} rows");
            let mut all: Vec<u32> = train.iter().chain(&validation).copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..rows as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_seed_decides_and_one_row_cannot_be_split() {
        let path = Path::new("d.csv");
        assert_eq!(split_rows(50, 0.3, 1, path).unwrap(), split_rows(50, 0.3, 1, path).unwrap());
        assert_ne!(split_rows(50, 0.3, 1, path).unwrap(), split_rows(50, 0.3, 2, path).unwrap());
        let message = split_rows(1, 0.3, 1, path).unwrap_err().to_string();
        assert!(message.starts_with("d.csv: ") && message.contains("found 1"), "{message}");
    }
}
