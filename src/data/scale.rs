//! Scaling of the features: fitted on the training rows only, applied to every row that the network sees.

use serde::{Deserialize, Serialize};

/// The kinds of scaling that a spec can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// To mean 0 and standard deviation 1.
    Standard,
    /// To the interval \[0, 1\].
    Minmax,
    /// As in the file.
    #[default]
    None,
}

named!(Scale: Standard "standard", Minmax "minmax", None "none");

/// A fitted scaling, one entry a feature. Kept in the run folder as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scaler {
    /// x -> (x - mean) / std, with the population's standard deviation (divisor n); a constant column has std 1.
    Standard {
        /// Mean of each column.
        mean: Vec<f64>,
        /// Standard deviation of each column, never 0.
        std: Vec<f64>,
    },
    /// x -> (x - min) / (max - min); a constant column becomes 0.
    Minmax {
        /// Smallest value of each column.
        min: Vec<f64>,
        /// Largest value of each column.
        max: Vec<f64>,
    },
    /// x -> x
    None,
}

impl Scaler {
    /// The kind of this scaling.
    pub fn kind(&self) -> Scale {
        match self {
            Scaler::Standard { .. } => Scale::Standard,
            Scaler::Minmax { .. } => Scale::Minmax,
            Scaler::None => Scale::None,
        }
    }

    /// Number of columns that this scaling was fitted to; `None` where any number will do.
    pub fn width(&self) -> Option<usize> {
        match self {
            Scaler::Standard { mean, std } => Some(mean.len().min(std.len())),
            Scaler::Minmax { min, max } => Some(min.len().min(max.len())),
            Scaler::None => None,
        }
    }

    /// Scales `x` (rows x width, row-major, the columns of the fit) in place.
    pub fn apply(&self, x: &mut [f64]) {
        match self {
            Scaler::Standard { mean, std } => change(x, mean, std, |v, mean, std| (v - mean) / std),
            Scaler::Minmax { min, max } => {
                change(x, min, max, |v, low, high| if high > low { (v - low) / (high - low) } else { 0.0 });
            }
            Scaler::None => {}
        }
    }

    /// Brings scaled numbers back to those of the file, up to rounding; of a constant column the constant.
    pub fn invert(&self, x: &mut [f64]) {
        match self {
            Scaler::Standard { mean, std } => change(x, mean, std, |v, mean, std| v * std + mean),
            Scaler::Minmax { min, max } => change(x, min, max, |v, low, high| v * (high - low) + low),
            Scaler::None => {}
        }
    }
}

/// Puts `to` of each number of `x` in its place, and of what the fit found of the number's column.
fn change(x: &mut [f64], a: &[f64], b: &[f64], to: impl Fn(f64, f64, f64) -> f64) {
    for row in x.chunks_exact_mut(a.len().max(1)) {
        row.iter_mut().zip(a).zip(b).for_each(|((v, a), b)| *v = to(*v, *a, *b));
    }
}

/// A scaling that is being fitted, row by row.
///
/// Mean and deviation are found by Welford's recurrence (B. P. Welford, Technometrics 4, 1962): it loses no digits where
/// the mean is far larger than the spread, and a constant column has exactly 0.
#[derive(Debug, Clone)]
pub struct Fit {
    scale: Scale,
    rows: f64,
    /// Numbers of each column that are not missing.
    present: Vec<f64>,
    /// Means, or smallest values.
    low: Vec<f64>,
    /// Sums of squared deviations, or largest values.
    high: Vec<f64>,
}

impl Fit {
    /// No rows of `width` columns yet.
    pub fn new(scale: Scale, width: usize) -> Fit {
        let (low, high) = match scale {
            Scale::Standard => (vec![0.0; width], vec![0.0; width]),
            Scale::Minmax => (vec![f64::INFINITY; width], vec![f64::NEG_INFINITY; width]),
            Scale::None => (Vec::new(), Vec::new()),
        };
        Fit { scale, rows: 0.0, present: vec![0.0; low.len()], low, high }
    }

    /// Takes in a row. NaN is a missing number, for which the mean of the others will stand: it moves neither the mean nor the
    /// sum of squares, and lies between the least and the largest.
    pub fn add(&mut self, row: &[f64]) {
        self.rows += 1.0;
        let columns = row.iter().zip(&mut self.low).zip(&mut self.high);
        match self.scale {
            Scale::Standard => {
                let present = columns.zip(&mut self.present).filter(|(((v, _), _), _)| !v.is_nan());
                for (((v, mean), squares), n) in present {
                    *n += 1.0;
                    let delta = v - *mean;
                    *mean += delta / *n;
                    *squares += delta * (v - *mean);
                }
            }
            Scale::Minmax => {
                for ((v, low), high) in columns {
                    *low = low.min(*v);
                    *high = high.max(*v);
                }
            }
            Scale::None => {}
        }
    }

    /// With [`Scale::Standard`]: the mean of a column's numbers; `None` where every one is missing.
    pub(super) fn mean(&self, column: usize) -> Option<f64> {
        (self.present[column] > 0.0).then_some(self.low[column])
    }

    /// The scaling of the rows taken in.
    pub fn finish(self) -> Scaler {
        match self.scale {
            Scale::Standard => {
                let deviation = |squares: f64| Some((squares / self.rows).sqrt()).filter(|d| *d > 0.0).unwrap_or(1.0);
                Scaler::Standard { mean: self.low, std: self.high.into_iter().map(deviation).collect() }
            }
            Scale::Minmax => Scaler::Minmax { min: self.low, max: self.high },
            Scale::None => Scaler::None,
        }
    }
}
