//! Precision, recall and F1, from the counts of a confusion matrix.
//!
//! As `sklearn.metrics.precision_recall_fscore_support` with its default of 0 where a quotient would be 0 / 0.

use crate::report::{ClassScores, Confusion};

/// Each class by itself, without the area under its curve, which counts alone do not give.
pub(super) fn scores(confusion: &Confusion) -> Vec<ClassScores> {
    let score = |(i, class): (usize, &String)| {
        let (right, rows, taken) = (confusion.counts[i][i], rows(confusion, i), taken_for(confusion, i));
        ClassScores {
            class: class.clone(),
            rows,
            precision: quotient(right, taken),
            recall: quotient(right, rows),
            f1: quotient(2 * right, rows + taken),
            roc_auc: None,
        }
    };
    confusion.classes.iter().enumerate().map(score).collect()
}

/// Means of precision, recall and F1 over the classes that occur, as true ones or as predicted ones; none without a row.
pub(super) fn means(confusion: &Confusion, scores: &[ClassScores]) -> [Option<f64>; 3] {
    let occurs = |i: &usize| rows(confusion, *i) + taken_for(confusion, *i) > 0;
    let seen: Vec<&ClassScores> = (0..scores.len()).filter(occurs).map(|i| &scores[i]).collect();
    let mean = |of: fn(&ClassScores) -> f64| {
        let sum: f64 = seen.iter().map(|s| of(s)).sum();
        (!seen.is_empty()).then(|| sum / seen.len() as f64)
    };
    [mean(|s| s.precision), mean(|s| s.recall), mean(|s| s.f1)]
}

fn rows(confusion: &Confusion, class: usize) -> u64 {
    confusion.counts[class].iter().sum()
}

fn taken_for(confusion: &Confusion, class: usize) -> u64 {
    confusion.counts.iter().map(|row| row[class]).sum()
}

fn quotient(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
