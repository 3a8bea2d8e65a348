//! Metrics on predictions, computed on the host, piece by piece as predictions come.
//!
//! Definitions and ties are those of scikit-learn (`docs/metrics.md`); the tests hold them against its results.

mod ranking;
mod regression;

use crate::data::{RowTargets, true_class};
use crate::graph::Loss;
use crate::kernels::loss::Output;
use crate::report::{ClassScores, Confusion, Metrics, Monitor, TopK};
use ranking::Ranking;
use regression::Regression;

/// The class that a row of outputs stands for: the largest output, the first of equals; for one output the side of the
/// decision boundary (0 for logits and margins, 0.5 for probabilities and numbers).
pub fn predicted_class(outputs: &[f64], loss: Loss) -> usize {
    if let [y] = outputs {
        let boundary = if matches!(loss.output(), Output::Logit | Output::Margin) { 0.0 } else { 0.5 };
        return usize::from(*y >= boundary);
    }
    true_class(outputs)
}

/// Probabilities where the outputs are logits, else the outputs as they are.
pub fn probabilities(row: &[f64], loss: Loss) -> Vec<f64> {
    match loss.output() {
        Output::ClassLogit => {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let e: Vec<f64> = row.iter().map(|z| (z - max).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.iter().map(|v| v / sum).collect()
        }
        Output::Logit => row.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect(),
        Output::Number | Output::Probability | Output::Margin => row.to_vec(),
    }
}

/// Among how many of the highest outputs a row's class is looked for, where nobody says: 5 as on ImageNet, 2 (scikit-learn's
/// default) where 5 would be all.
pub fn default_top_k(outputs: usize) -> usize {
    if outputs > 5 { 5 } else { 2 }
}

/// Whether `monitor` is defined for targets that are `classes` or numbers, under `loss`.
pub fn applies(monitor: Monitor, classes: bool, outputs: usize, loss: Loss) -> bool {
    match monitor {
        Monitor::ValidationLoss => true,
        Monitor::TopK => classes && outputs > 2,
        Monitor::Mae | Monitor::Rmse | Monitor::R2 => has_numbers(classes, loss),
        _ => classes,
    }
}

/// Whether outputs are estimates of their targets. A margin is none, so that its error says nothing.
fn has_numbers(classes: bool, loss: Loss) -> bool {
    !classes && loss.output() != Output::Margin
}

/// What was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measures {
    /// The confusion matrix, where there are classes.
    pub confusion: Option<Confusion>,
    /// Each class, in index order.
    pub classes: Vec<ClassScores>,
    /// The figures for all rows together.
    pub metrics: Metrics,
}

/// Metrics that are being taken, piece by piece.
#[derive(Debug, Clone)]
pub struct Tally {
    confusion: Option<Confusion>,
    ranking: Option<Ranking>,
    regression: Option<Regression>,
    outputs: usize,
    loss: Loss,
}

impl Tally {
    /// Nothing counted yet. `top_k` is [`TopK::k`], for more than two outputs.
    pub fn new(classes: Option<&[String]>, outputs: usize, loss: Loss, top_k: Option<usize>) -> Tally {
        let confusion = classes.map(|classes| {
            // A single output tells two classes apart, whatever they are called.
            let count = classes.len().max(if outputs == 1 { 2 } else { outputs });
            let mut names = classes.to_vec();
            for i in names.len()..count {
                names.push(i.to_string());
            }
            Confusion { classes: names, counts: vec![vec![0; count]; count] }
        });
        let ranking = classes.map(|_| Ranking::new(outputs, top_k.unwrap_or_else(|| default_top_k(outputs))));
        let regression = has_numbers(classes.is_some(), loss).then(|| Regression::new(outputs));
        Tally { confusion, ranking, regression, outputs, loss }
    }

    /// Takes in rows with their `predictions`, rows x outputs.
    pub fn add(&mut self, predictions: &[f64], targets: RowTargets<'_>) {
        for (row, outputs) in predictions.chunks(self.outputs).enumerate() {
            let truth = match targets {
                RowTargets::Classes(classes) => classes[row] as usize,
                RowTargets::Numbers(values) => {
                    let target = &values[row * self.outputs..][..self.outputs];
                    if let Some(regression) = &mut self.regression {
                        regression.add(&probabilities(outputs, self.loss), target);
                    }
                    true_class(target)
                }
            };
            if let Some(confusion) = &mut self.confusion {
                confusion.counts[truth][predicted_class(outputs, self.loss)] += 1;
            }
            if let Some(ranking) = &mut self.ranking {
                ranking.add(&probabilities(outputs, self.loss), outputs, truth);
            }
        }
    }

    /// What was measured.
    pub fn finish(self) -> Measures {
        let mut metrics = self.regression.map(|r| r.finish()).unwrap_or_default();
        let (Some(confusion), Some(ranking)) = (self.confusion, self.ranking) else {
            return Measures { metrics, ..Measures::default() };
        };
        let areas = ranking.areas(confusion.classes.len());
        let mut classes = class_scores(&confusion);
        for (class, area) in classes.iter_mut().zip(&areas) {
            class.roc_auc = *area;
        }
        metrics.top_k = ranking.top_k().map(|(k, accuracy)| TopK { k, accuracy });
        metrics.roc_auc = ranking::mean_area(&areas);
        [metrics.precision_macro, metrics.recall_macro, metrics.f1_macro] = class_means(&confusion, &classes);
        Measures { confusion: Some(confusion), classes, metrics }
    }
}

/// Precision, recall and F1 of each class by itself, as `sklearn.metrics.precision_recall_fscore_support` with its default of 0
/// where a quotient would be 0 / 0, without the area under its curve, which counts alone do not give.
fn class_scores(confusion: &Confusion) -> Vec<ClassScores> {
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
fn class_means(confusion: &Confusion, scores: &[ClassScores]) -> [Option<f64>; 3] {
    let occurs = |i: &usize| rows(confusion, *i) + taken_for(confusion, *i) > 0;
    let seen: Vec<&ClassScores> = (0..scores.len()).filter(occurs).map(|i| &scores[i]).collect();
    let mean = |of: fn(&ClassScores) -> f64| {
        let sum: f64 = seen.iter().map(|s| of(s)).sum();
        (!seen.is_empty()).then(|| sum / seen.len() as f64)
    };
    [mean(|s| s.precision), mean(|s| s.recall), mean(|s| s.f1)]
}

/// Rows of a class.
fn rows(confusion: &Confusion, class: usize) -> u64 {
    confusion.counts[class].iter().sum()
}

/// Rows that are taken for a class.
fn taken_for(confusion: &Confusion, class: usize) -> u64 {
    confusion.counts.iter().map(|row| row[class]).sum()
}

/// `part / whole`, 0 where both are 0.
fn quotient(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
