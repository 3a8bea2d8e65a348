//! Data files to rows of numbers: reading, targets, scaling, splitting, and the random numbers behind them.

#[doc(hidden)]
pub mod arrays;
#[doc(hidden)]
pub mod block;
mod cache;
mod check;
#[cfg(feature = "files")]
#[doc(hidden)]
pub mod csv;
mod inputs;
pub mod inspect;
#[doc(hidden)]
pub mod load;
mod means;
#[doc(hidden)]
pub mod nearest;
mod open;
#[doc(hidden)]
pub mod order;
#[cfg(feature = "parquet")]
#[doc(hidden)]
pub mod parquet;
pub mod pictures;
mod read;
#[doc(hidden)]
pub mod rng;
mod scale;
mod schema;
#[doc(hidden)]
pub mod source;
mod split;
mod table;
mod target;
mod weight;
#[cfg(not(feature = "files"))]
mod without_files;

pub use arrays::{bfloat16, float16};
pub use cache::{CacheWriter, RowCache};
pub use inputs::{Added, Columns, Encoding, Inputs, MOST_CATEGORIES, Missing, is_missing};
#[doc(hidden)]
pub use means::fill_means;
pub use open::{Kind, read_whole, sniff};
pub use read::Tolerance;
pub use rng::{epoch_order, permutation};
pub use scale::{Fit, Scale, Scaler};
pub use schema::Schema;
pub use split::split_rows;
pub use table::{RawTable, read_csv, read_table};
pub use target::TargetRule;
#[cfg(not(feature = "files"))]
use without_files::csv;

/// What the network is to learn, one entry (or one row of entries) a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A class index a row, below the number of classes.
    Classes(Vec<u32>),
    /// Numbers, rows x `width`, row-major. `width` 0 means that there are no targets (a file to predict on).
    Numbers {
        /// Numbers a row: the network's outputs.
        width: usize,
        /// rows x width values.
        values: Vec<f64>,
    },
}

/// Samples in memory, in f64; they are converted when they go to the device.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Names of the feature columns, in the order of `x`.
    pub features: Vec<String>,
    /// Number of samples.
    pub rows: usize,
    /// rows x features, row-major.
    pub x: Vec<f64>,
    /// What belongs to each row.
    pub targets: Targets,
    /// How much each row counts in a loss that is learnt from, finite and at least 0; empty where all count alike.
    pub weights: Vec<f64>,
}

impl Dataset {
    /// The rows `order`, in that order. Every index must be below `rows`.
    pub fn subset(&self, order: &[u32]) -> Dataset {
        let targets = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(order.iter().map(|&i| classes[i as usize]).collect()),
            Targets::Numbers { width, values } => {
                Targets::Numbers { width: *width, values: take_rows(values, *width, order) }
            }
        };
        Dataset {
            features: self.features.clone(),
            rows: order.len(),
            x: take_rows(&self.x, self.features.len(), order),
            targets,
            weights: order.iter().filter_map(|&i| self.weights.get(i as usize).copied()).collect(),
        }
    }
}

fn take_rows(values: &[f64], width: usize, order: &[u32]) -> Vec<f64> {
    let mut taken = Vec::with_capacity(order.len() * width);
    for &i in order {
        let start = i as usize * width;
        taken.extend_from_slice(&values[start..start + width]);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_takes_features_and_targets_of_the_same_rows() {
        let data = Dataset {
            features: vec!["a".into(), "b".into()],
            rows: 3,
            x: vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0],
            targets: Targets::Numbers { width: 1, values: vec![0.5, 1.5, 2.5] },
            weights: vec![1.0, 0.0, 4.0],
        };
        let part = data.subset(&[2, 0]);
        assert_eq!((part.rows, &part.weights[..]), (2, &[4.0, 1.0][..]));
        assert_eq!(part.x, [20.0, 21.0, 0.0, 1.0]);
        assert_eq!(part.targets, Targets::Numbers { width: 1, values: vec![2.5, 0.5] });
        let classes = Dataset { targets: Targets::Classes(vec![4, 5, 6]), ..data };
        assert_eq!(classes.subset(&[1, 1]).targets, Targets::Classes(vec![5, 5]));
    }
}
