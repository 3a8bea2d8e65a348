//! Median and spread of repetitions.

use serde::{Deserialize, Serialize};

/// Quartiles of a measured quantity. Quartiles, because a repetition that another process disturbed is no member of the
/// same distribution and must not move the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle value.
    pub median: f64,
    /// A quarter of the values is at or below.
    pub low: f64,
    /// A quarter of the values is at or above.
    pub high: f64,
    /// Number of values.
    pub count: usize,
}

impl Spread {
    /// Quartiles of `values` by linear interpolation between the ordered values.
    pub fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * sorted.len().saturating_sub(1) as f64;
            let [below, above] = [place.floor(), place.ceil()].map(|i| sorted.get(i as usize).unwrap_or(&f64::NAN));
            below + (above - below) * place.fract()
        };
        Spread { median: at(0.5), low: at(0.25), high: at(0.75), count: values.len() }
    }

    /// Distance of the quartiles over the median.
    pub fn relative(&self) -> f64 {
        (self.high - self.low) / self.median
    }
}
