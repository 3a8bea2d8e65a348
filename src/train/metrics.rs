//! Metrics on predictions, computed on the host.

use super::rows::RowTargets;
use crate::graph::Loss;
use crate::report::Confusion;

/// The class that a row of outputs stands for: the largest output, the first of equals; for one output the side of the
/// decision boundary (0 for logits and margins, 0.5 for probabilities and numbers).
pub fn predicted_class(outputs: &[f64], loss: Loss) -> usize {
    if let [y] = outputs {
        let boundary = if matches!(loss, Loss::BceWithLogits | Loss::Hinge) { 0.0 } else { 0.5 };
        return usize::from(*y >= boundary);
    }
    let mut best = 0;
    for (i, y) in outputs.iter().enumerate() {
        if *y > outputs[best] {
            best = i;
        }
    }
    best
}

/// A confusion matrix that is being counted, piece by piece; empty where there are no classes.
#[derive(Debug, Clone)]
pub struct Tally {
    confusion: Option<Confusion>,
    outputs: usize,
    loss: Loss,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(classes: Option<&[String]>, outputs: usize, loss: Loss) -> Tally {
        let confusion = classes.map(|classes| {
            // A single output tells two classes apart, whatever they are called.
            let count = classes.len().max(if outputs == 1 { 2 } else { outputs });
            let mut names = classes.to_vec();
            for i in names.len()..count {
                names.push(i.to_string());
            }
            Confusion { classes: names, counts: vec![vec![0; count]; count] }
        });
        Tally { confusion, outputs, loss }
    }

    /// Counts rows by true class and by the class of their `predictions`, rows x outputs.
    pub fn add(&mut self, predictions: &[f64], targets: RowTargets<'_>) {
        let Some(confusion) = &mut self.confusion else { return };
        for (row, outputs) in predictions.chunks(self.outputs).enumerate() {
            let truth = match targets {
                RowTargets::Classes(classes) => classes[row] as usize,
                RowTargets::Numbers(values) => true_class(&values[row * self.outputs..][..self.outputs]),
            };
            confusion.counts[truth][predicted_class(outputs, self.loss)] += 1;
        }
    }

    /// What was counted.
    pub fn finish(self) -> Option<Confusion> {
        self.confusion
    }
}

/// The class behind an encoded target: the largest of a one-hot row, the positive side of a single 0/1 or -1/+1.
fn true_class(target: &[f32]) -> usize {
    match target {
        [t] => usize::from(*t >= 0.5),
        many => (0..many.len()).fold(0, |best, i| if many[i] > many[best] { i } else { best }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_class_and_one_output_is_cut_at_the_boundary() {
        assert_eq!(predicted_class(&[1.0, 3.0, 3.0], Loss::CrossEntropy), 1);
        assert_eq!(predicted_class(&[0.4], Loss::BinaryCrossEntropy), 0);
        assert_eq!(predicted_class(&[0.4], Loss::BceWithLogits), 1);
        assert_eq!(predicted_class(&[-0.1], Loss::Hinge), 0);
    }

    #[test]
    fn a_confusion_matrix_counts_true_by_predicted() {
        let classes = ["a".to_string(), "b".to_string()];
        let mut tally = Tally::new(Some(&classes), 2, Loss::CrossEntropy);
        tally.add(&[2.0, 1.0, 2.0, 1.0], RowTargets::Classes(&[0, 1]));
        tally.add(&[0.0, 5.0], RowTargets::Numbers(&[0.0, 1.0]));
        let found = tally.finish().unwrap();
        assert_eq!(found.counts, [[1, 0], [1, 1]]);
        assert!((found.accuracy() - 2.0 / 3.0).abs() < 1e-12);
        let mut none = Tally::new(None, 2, Loss::Mse);
        none.add(&[2.0, 1.0], RowTargets::Numbers(&[2.0, 1.0]));
        assert_eq!(none.finish(), None);
    }
}
