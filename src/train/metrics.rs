//! Metrics on predictions, computed on the host.

use crate::data::Targets;
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

/// The confusion matrix of `predictions` (rows x outputs) against `targets`; `None` where there are no classes.
pub fn confusion(
    predictions: &[f64],
    targets: &Targets,
    classes: Option<&[String]>,
    outputs: usize,
    loss: Loss,
) -> Option<Confusion> {
    let classes = classes?;
    // A single output tells two classes apart, whatever they are called.
    let count = classes.len().max(if outputs == 1 { 2 } else { outputs });
    let mut counts = vec![vec![0u64; count]; count];
    for (row, outputs) in predictions.chunks(outputs).enumerate() {
        let truth = match targets {
            Targets::Classes(classes) => classes[row] as usize,
            Targets::Numbers { width, values } => true_class(&values[row * width..(row + 1) * width]),
        };
        counts[truth][predicted_class(outputs, loss)] += 1;
    }
    let mut names = classes.to_vec();
    for i in names.len()..count {
        names.push(i.to_string());
    }
    Some(Confusion { classes: names, counts })
}

/// The class behind an encoded target: the largest of a one-hot row, the positive side of a single 0/1 or -1/+1.
fn true_class(target: &[f64]) -> usize {
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
        let targets = Targets::Classes(vec![0, 1, 1]);
        let predictions = [2.0, 1.0, 2.0, 1.0, 0.0, 5.0];
        let found = confusion(&predictions, &targets, Some(&classes), 2, Loss::CrossEntropy);
        let counts = found.as_ref().map(|c| c.counts.clone());
        assert_eq!(counts, Some(vec![vec![1, 0], vec![1, 1]]));
        assert!(found.is_some_and(|c| (c.accuracy() - 2.0 / 3.0).abs() < 1e-12));
        assert_eq!(confusion(&predictions, &targets, None, 2, Loss::Mse), None);
    }
}
