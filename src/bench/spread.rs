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
            let (below, above) = (sorted.get(place.floor() as usize), sorted.get(place.ceil() as usize));
            match (below, above) {
                (Some(a), Some(b)) => a + (b - a) * place.fract(),
                _ => f64::NAN,
            }
        };
        Spread { median: at(0.5), low: at(0.25), high: at(0.75), count: values.len() }
    }

    /// Distance of the quartiles over the median.
    pub fn relative(&self) -> f64 {
        (self.high - self.low) / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_ordered_values() {
        let spread = Spread::of(&[5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(spread, Spread { median: 3.0, low: 2.0, high: 4.0, count: 5 });
        assert_eq!(Spread::of(&[1.0, 2.0, 3.0, 4.0]).median, 2.5);
        assert_eq!(Spread::of(&[7.0]), Spread { median: 7.0, low: 7.0, high: 7.0, count: 1 });
        // A disturbed repetition moves neither quartile far.
        assert!(Spread::of(&[1.0, 1.0, 1.0, 1.0, 100.0]).relative() == 0.0);
        assert!(Spread::of(&[]).median.is_nan());
    }
}
