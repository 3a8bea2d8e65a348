//! Errors of numbers: MAE, RMSE and R², each the mean over the outputs, as scikit-learn averages by default.

use crate::report::Metrics;

/// Sums over rows, an entry an output.
#[derive(Debug, Clone)]
pub(super) struct Regression {
    rows: f64,
    outputs: Vec<Sums>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Of |y - t| and (y - t)².
    absolute: f64,
    squared: f64,
    /// Mean of the targets so far, and the sum of their squared distances from it (Welford 1962): one pass over the data, and
    /// no difference of two large sums.
    mean: f64,
    spread: f64,
}

impl Regression {
    pub fn new(outputs: usize) -> Regression {
        Regression { rows: 0.0, outputs: vec![Sums::default(); outputs] }
    }

    /// Takes in a row.
    pub fn add(&mut self, predictions: &[f64], targets: &[f32]) {
        self.rows += 1.0;
        for ((sums, y), t) in self.outputs.iter_mut().zip(predictions).zip(targets) {
            let t = f64::from(*t);
            sums.absolute += (y - t).abs();
            sums.squared += (y - t) * (y - t);
            let before = t - sums.mean;
            sums.mean += before / self.rows;
            sums.spread += before * (t - sums.mean);
        }
    }

    /// The metrics; none without a row, or where an error is no finite number.
    pub fn finish(&self) -> Metrics {
        let n = self.rows;
        let mean = |of: &dyn Fn(&Sums) -> f64| {
            let mean = self.outputs.iter().map(of).sum::<f64>() / self.outputs.len() as f64;
            Some(mean).filter(|m| n > 0.0 && m.is_finite())
        };
        Metrics {
            mae: mean(&|s| s.absolute / n),
            rmse: mean(&|s| (s.squared / n).sqrt()),
            // Of one row no spread is known.
            r2: mean(&determination).filter(|_| n >= 2.0),
            ..Metrics::default()
        }
    }
}

/// 1 - squared error / spread of the targets. Targets that are all equal have no spread: 1 for a prediction without error,
/// else 0, as in `sklearn.metrics.r2_score`.
fn determination(s: &Sums) -> f64 {
    match (s.squared == 0.0, s.spread == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - s.squared / s.spread,
    }
}
