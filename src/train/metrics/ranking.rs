//! What follows from the order of scores: top-k accuracy and the area under the receiver operating characteristic.

use rayon::prelude::*;

/// Scores that are kept at most, 64 MiB: an area needs all of them at once.
const MOST_SCORES: usize = 1 << 23;

/// Scores of rows, with their classes.
#[derive(Debug, Clone)]
pub(super) struct Ranking {
    outputs: usize,
    k: usize,
    /// Rows, and those whose class is among the k highest outputs.
    rows: u64,
    hits: u64,
    /// Rows x outputs; `None` once there were too many.
    scores: Option<Vec<f64>>,
    truth: Vec<u32>,
}

impl Ranking {
    pub fn new(outputs: usize, k: usize) -> Ranking {
        Ranking { outputs, k, rows: 0, hits: 0, scores: Some(Vec::new()), truth: Vec::new() }
    }

    /// Takes in a row of class `truth`: its scores for the areas, and its raw `outputs`, by which top-k ranks.
    pub fn add(&mut self, scores: &[f64], outputs: &[f64], truth: usize) {
        self.rows += 1;
        self.hits += u64::from(is_among(outputs, truth, self.k));
        let fits = self.truth.len() * self.outputs + scores.len() <= MOST_SCORES;
        match &mut self.scores {
            Some(kept) if fits => {
                kept.extend_from_slice(scores);
                self.truth.push(truth as u32);
            }
            too_many => {
                *too_many = None;
                self.truth = Vec::new();
            }
        }
    }

    /// k and the share of hits; for two classes k would be all of them.
    pub fn top_k(&self) -> Option<(usize, f64)> {
        (self.outputs > 2 && self.rows > 0).then(|| (self.k, self.hits as f64 / self.rows as f64))
    }

    /// The area of each class against the rest.
    pub fn areas(&self, classes: usize) -> Vec<Option<f64>> {
        let Some(scores) = &self.scores else { return vec![None; classes] };
        if self.outputs == 1 {
            // One score orders both: the area of the first class by the falling score is that of the second by the rising.
            let of_second = self.truth.iter().map(|t| *t == 1);
            return vec![area(scores.iter().copied().zip(of_second).collect()); classes];
        }
        let of_class = |class: usize| {
            let column = scores.iter().skip(class).step_by(self.outputs).copied();
            area(column.zip(self.truth.iter().map(|t| *t as usize == class)).collect())
        };
        (0..classes.min(self.outputs)).into_par_iter().map(of_class).collect()
    }
}

/// One area for all classes: that of the second of two, else the mean over all; none where one is undefined.
pub(super) fn mean_area(areas: &[Option<f64>]) -> Option<f64> {
    if let [_, second] = areas {
        return *second;
    }
    let sum = areas.iter().copied().sum::<Option<f64>>()?;
    (!areas.is_empty()).then(|| sum / areas.len() as f64)
}

/// Whether output `class` is among the `k` highest. Of equal outputs the one with the higher index comes first, as in
/// `sklearn.metrics.top_k_accuracy_score`.
fn is_among(outputs: &[f64], class: usize, k: usize) -> bool {
    let Some(own) = outputs.get(class).filter(|own| !own.is_nan()) else { return false };
    let before = |(i, other): (usize, &f64)| other > own || (other == own && i > class);
    outputs.iter().enumerate().filter(|entry| before(*entry)).count() < k
}

/// The area under the receiver operating characteristic: the share of pairs of a positive and a negative row in which the
/// positive one has the higher score, where equal scores count a half (Mann and Whitney's U). It is scikit-learn's
/// trapezoidal sum, over the thresholds between distinct scores, without its rounding. None where one side has no rows, or a
/// score is NaN.
fn area(mut rows: Vec<(f64, bool)>) -> Option<f64> {
    if rows.iter().any(|row| row.0.is_nan()) {
        return None;
    }
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut doubled) = (0u128, 0u128);
    // 0 and -0 are equal scores, which the order of bits sets apart.
    for equal in rows.chunk_by(|a, b| a.0 == b.0) {
        let positive = equal.iter().filter(|row| row.1).count() as u128;
        let negative = equal.len() as u128 - positive;
        doubled += positive * (2 * below + negative);
        below += negative;
    }
    let positive = rows.len() as u128 - below;
    let pairs = positive * below;
    (pairs > 0).then(|| doubled as f64 / (2 * pairs) as f64)
}
