//! What a report shows beside figures: distributions, times of kernels, pictures. Plain data.

use serde::{Deserialize, Serialize};

/// The least and the greatest of `values`, where there is one.
pub(crate) fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|v| (v, v)).reduce(|(low, high), (v, _)| (f64::min(low, v), f64::max(high, v)))
}

/// How many numbers of a tensor lie where: equal bins from the least to the greatest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The least number.
    pub low: f64,
    /// The greatest number.
    pub high: f64,
    /// Counts of the bins.
    pub counts: Vec<u64>,
    /// Sum of the numbers, and of their squares.
    pub sum: f64,
    /// Sum of the squares.
    pub sum_squares: f64,
}

impl Histogram {
    /// Bins of a histogram: fine enough for its shape, few enough for a file that keeps some hundreds of them.
    pub const BINS: usize = 32;

    /// Of the finite ones of `values`.
    pub fn of(values: &[f64]) -> Histogram {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let Some((low, high)) = ends(finite()) else { return Histogram::default() };
        let mut found = Histogram { low, high, counts: vec![0; Histogram::BINS], sum: 0.0, sum_squares: 0.0 };
        let scale = Histogram::BINS as f64 / (high - low);
        for v in finite() {
            // Equal numbers, and a range beyond the largest number, have no width: all lie in the first bin.
            let bin = if scale.is_finite() { ((v - low) * scale) as usize } else { 0 };
            found.counts[bin.min(Histogram::BINS - 1)] += 1;
            found.sum += v;
            found.sum_squares += v * v;
        }
        found
    }

    /// How many numbers there are.
    pub fn total(&self) -> u64 {
        // Counts may come from a file, which may say anything.
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// The distributions of a parameter and of its gradient.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TensorHistogram {
    /// The parameter's name.
    pub name: String,
    /// Its numbers.
    pub values: Histogram,
    /// Its gradient in the last step; absent where the device keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient: Option<Histogram>,
}

/// The distributions at the end of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochHistograms {
    /// From 1.
    pub epoch: usize,
    /// Steps done by then.
    pub step: usize,
    /// The parameters, in order.
    pub tensors: Vec<TensorHistogram>,
}

/// Time of a dispatch of the train step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KernelTime {
    /// The kernel.
    pub kernel: String,
    /// The part of the network that it computes.
    pub label: String,
    /// Median time, in microseconds.
    pub time_us: f64,
}

/// A gray picture, row by row from above; 0 is black.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels, rows x width.
    pub pixels: Vec<u8>,
}

/// A sample with the class that the network takes it for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Misread {
    /// Number of the row among those that were looked at, from 1.
    pub row: usize,
    /// The sample.
    pub picture: Picture,
    /// Its class.
    pub truth: String,
    /// The class that the network says.
    pub predicted: String,
    /// What the network gives its class: a probability, or the output where outputs are none.
    pub score: f64,
}

/// A target that is a picture, and what the network makes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconstruction {
    /// What was wanted.
    pub target: Picture,
    /// What came out.
    pub output: Picture,
}

/// What a network of two inputs says of each point of a plane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// Names of the two columns.
    pub columns: [String; 2],
    /// From where to where the first column goes, then the second, as in the file.
    pub ranges: [[f64; 2]; 2],
    /// Cells across and down.
    pub side: usize,
    /// Class of each cell, row by row from the least of the second column; 0 where the target is a number.
    pub class: Vec<u8>,
    /// How sure of it, or how large the number is, from 0 to [`Surface::LEVELS`] - 1.
    pub level: Vec<u8>,
    /// Names of the classes; none where the target is a number.
    pub classes: Vec<String>,
    /// Least and greatest number, where the target is one.
    pub numbers: Option<[f64; 2]>,
    /// Samples, as far as they are shown.
    pub points: Vec<SurfacePoint>,
}

/// A sample on a surface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SurfacePoint {
    /// The two features, as in the file.
    pub at: [f64; 2],
    /// Its class; 0 where the target is a number.
    pub class: u8,
}

impl Surface {
    /// Steps of a surface's shading.
    pub const LEVELS: u8 = 8;
}

/// The pictures of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Portrait {
    /// Rows that were looked at.
    pub rows: usize,
    /// Whether they are validation rows; otherwise training rows.
    pub validation: bool,
    /// Rows with the lowest score of their class, the lowest first.
    pub worst: Vec<Misread>,
    /// Of the first rows, where targets are pictures.
    pub reconstructions: Vec<Reconstruction>,
    /// Where there are two inputs.
    pub surface: Option<Surface>,
}
