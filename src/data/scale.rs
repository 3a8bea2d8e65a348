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

impl Scale {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &["standard", "minmax", "none"];

    /// The scaling called `name`.
    pub fn by_name(name: &str) -> Option<Scale> {
        Some(match name {
            "standard" => Scale::Standard,
            "minmax" => Scale::Minmax,
            "none" => Scale::None,
            _ => return None,
        })
    }

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        match self {
            Scale::Standard => "standard",
            Scale::Minmax => "minmax",
            Scale::None => "none",
        }
    }
}

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
            Scaler::Standard { mean, std } => {
                for row in x.chunks_exact_mut(mean.len().max(1)) {
                    for ((v, m), s) in row.iter_mut().zip(mean).zip(std) {
                        *v = (*v - m) / s;
                    }
                }
            }
            Scaler::Minmax { min, max } => {
                for row in x.chunks_exact_mut(min.len().max(1)) {
                    for ((v, low), high) in row.iter_mut().zip(min).zip(max) {
                        *v = if high > low { (*v - low) / (high - low) } else { 0.0 };
                    }
                }
            }
            Scaler::None => {}
        }
    }

    /// Brings scaled numbers back to those of the file, up to rounding; of a constant column the constant.
    pub fn invert(&self, x: &mut [f64]) {
        let (shift, factor): (&[f64], Vec<f64>) = match self {
            Scaler::Standard { mean, std } => (mean, std.clone()),
            Scaler::Minmax { min, max } => (min, min.iter().zip(max).map(|(low, high)| high - low).collect()),
            Scaler::None => return,
        };
        for row in x.chunks_exact_mut(shift.len().max(1)) {
            for ((v, s), f) in row.iter_mut().zip(shift).zip(&factor) {
                *v = *v * f + s;
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `scale` fitted to `x`, rows x `width`, row-major.
    fn fit(scale: Scale, x: &[f64], width: usize) -> Scaler {
        let mut fit = Fit::new(scale, width);
        x.chunks_exact(width).for_each(|row| fit.add(row));
        fit.finish()
    }

    #[test]
    fn standard_uses_the_population_deviation_and_leaves_a_constant_column_at_zero() {
        let x = [2.0, 0.1, 4.0, 0.1, 4.0, 0.1, 4.0, 0.1, 5.0, 0.1, 5.0, 0.1, 7.0, 0.1, 9.0, 0.1];
        let scaler = fit(Scale::Standard, &x, 2);
        // Mean 5 and population deviation 2 are exact here (with divisor n - 1 it would be 2.138).
        assert_eq!(scaler, Scaler::Standard { mean: vec![5.0, 0.1], std: vec![2.0, 1.0] });
        let mut y = x;
        scaler.apply(&mut y);
        assert_eq!(&y[..4], &[-1.5, 0.0, -0.5, 0.0]);
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        let x = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
        // Deviations from the mean 1e9 + 10 are 6, 3, 3, 6: variance 90 / 4. A sum of squares minus a squared mean
        // would lose all of it, because 1e18 has a spacing of 128. The four means carry at most half a spacing of
        // 1e9 (6e-8) each, relative to deviations of 3 and more.
        let Scaler::Standard { mean, std } = fit(Scale::Standard, &x, 1) else { unreachable!() };
        assert!((mean[0] - (1e9 + 10.0)).abs() <= 4.0 * 6e-8, "{mean:?}");
        assert!((std[0] - 22.5_f64.sqrt()).abs() <= 4.0 * 6e-8, "{std:?}");
    }

    #[test]
    fn minmax_maps_to_the_unit_interval_and_does_not_clip() {
        let x = [0.0, 3.0, 16.0, 3.0, 4.0, 3.0];
        let scaler = fit(Scale::Minmax, &x, 2);
        let mut y = [4.0, 3.0, 32.0, 9.0];
        scaler.apply(&mut y);
        assert_eq!(y, [0.25, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn a_scaler_survives_json_bit_for_bit() {
        // The first is a number that serde_json without its feature `float_roundtrip` reads one bit off: a resumed run
        // would then scale its rows a little differently.
        let mean = vec![-4.819042374982791e+121, 0.1 + 0.2, -5e-324, f64::MAX];
        let std = vec![1.0 / 3.0, 1e-300, f64::MIN_POSITIVE, 9007199254740991.0];
        let scaler = Scaler::Standard { mean, std };
        let text = serde_json::to_string(&scaler).unwrap();
        assert_eq!(serde_json::from_str::<Scaler>(&text).unwrap(), scaler, "{text}");
        assert!(text.starts_with(r#"{"kind":"standard","mean":["#), "{text}");
        let none: Scaler = serde_json::from_str(r#"{"kind":"none"}"#).unwrap();
        assert_eq!(none, Scaler::None);
        for &name in Scale::NAMES {
            assert_eq!(Scale::by_name(name).unwrap().name(), name);
        }
    }
}
