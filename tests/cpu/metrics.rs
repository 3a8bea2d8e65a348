//! Metrics against what scikit-learn computes on the same predictions (`fixtures/metrics/make.py`).

use serde_json::Value;
use wgrad::data::RowTargets;
use wgrad::graph::Loss;
use wgrad::train::metrics::{Measures, Tally, predicted_class};

fn fixture(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../fixtures/metrics/metrics.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Both have the value, or neither. Each is a sum of at most `terms` numbers of one sign, divided: it carries an error of
/// about `terms` roundings on either side, times `condition`.
fn agree(name: &str, found: Option<f64>, expected: &Value, terms: usize, condition: f64) {
    match (found, expected.as_f64()) {
        (None, None) => {}
        (Some(found), Some(expected)) => {
            let bound = 2.0 * (terms + 4) as f64 * f64::EPSILON * condition;
            assert!((found - expected).abs() <= bound, "{name}: {found}, scikit-learn says {expected}");
        }
        (found, expected) => panic!("{name}: {found:?}, scikit-learn says {expected:?}"),
    }
}

fn measured(case: &Value) -> Measures {
    let loss = Loss::by_name(case["loss"].as_str().unwrap()).unwrap();
    let classes = case["classes"].as_u64().unwrap() as usize;
    let names: Vec<String> = (0..classes).map(|c| format!("class {c}")).collect();
    let outputs = case["outputs"].as_u64().unwrap() as usize;
    let mut tally = Tally::new(Some(&names), outputs, loss, Some(case["k"].as_u64().unwrap() as usize));
    let truth = numbers(&case["truth"]);
    let predictions = numbers(&case["predictions"]);
    if outputs == 1 {
        let targets: Vec<f32> = truth.iter().map(|t| *t as f32).collect();
        tally.add(&predictions, RowTargets::Numbers(&targets));
    } else {
        let targets: Vec<u32> = truth.iter().map(|t| *t as u32).collect();
        tally.add(&predictions, RowTargets::Classes(&targets));
    }
    tally.finish()
}

#[test]
fn classification_agrees_with_scikit_learn() {
    let cases = fixture("classification");
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let found = measured(case);
        let confusion = found.confusion.unwrap();
        let counts: Vec<Vec<u64>> = serde_json::from_value(case["confusion"].clone()).unwrap();
        assert_eq!(confusion.counts, counts, "{name}");
        let rows = case["truth"].as_array().unwrap().len();
        agree(name, Some(confusion.accuracy()), &case["accuracy"], 1, 1.0);
        agree(name, found.metrics.top_k.map(|top| top.accuracy), &case["top_k"], 1, 1.0);
        for (i, class) in found.classes.iter().enumerate() {
            assert_eq!(class.rows, case["rows"][i].as_u64().unwrap(), "{name}");
            agree(name, Some(class.precision), &case["precision"][i], 1, 1.0);
            agree(name, Some(class.recall), &case["recall"][i], 1, 1.0);
            agree(name, Some(class.f1), &case["f1"][i], 1, 1.0);
            agree(name, class.roc_auc, &case["areas"][i], rows, 1.0);
        }
        let m = &found.metrics;
        for (found, expected) in [m.precision_macro, m.recall_macro, m.f1_macro].into_iter().zip(0..) {
            agree(name, found, &case["macro"][expected], found_classes(case), 1.0);
        }
        agree(name, m.roc_auc, &case["roc_auc"], rows, 1.0);
    }
}

fn found_classes(case: &Value) -> usize {
    case["classes"].as_u64().unwrap() as usize
}

#[test]
fn regression_agrees_with_scikit_learn() {
    let cases = fixture("regression");
    assert_eq!(cases.len(), 5);
    for case in &cases {
        let (name, outputs) = (case["name"].as_str().unwrap(), case["outputs"].as_u64().unwrap() as usize);
        let targets: Vec<f32> = numbers(&case["targets"]).iter().map(|t| *t as f32).collect();
        let mut tally = Tally::new(None, outputs, Loss::Mse, None);
        tally.add(&numbers(&case["predictions"]), RowTargets::Numbers(&targets));
        let metrics = tally.finish().metrics;
        // The errors' own sizes: they are sums of such terms.
        let size = case["rmse"].as_f64().unwrap().max(1.0);
        let rows = targets.len() / outputs;
        agree(name, metrics.mae, &case["mae"], rows * outputs, size);
        agree(name, metrics.rmse, &case["rmse"], rows * outputs, size);
        // R² is a difference of 1 and a quotient of two sums: the quotient's error is relative to itself.
        let quotient = 1.0 + case["r2"].as_f64().map_or(0.0, |r2| (1.0 - r2).abs());
        // Squared distances from a mean that is rounded: by Welford's method the error grows with mean / deviation, which
        // is below 4 here.
        agree(name, metrics.r2, &case["r2"], rows * outputs, quotient * 4.0);
    }
}

#[test]
fn the_comparison_can_fail() {
    let mut case = fixture("classification").swap_remove(0);
    let swapped = case["truth"][0].as_u64().unwrap() ^ 1;
    case["truth"][0] = swapped.into();
    let found = measured(&case);
    let fails = |found: Option<f64>, expected: &Value| {
        std::panic::catch_unwind(|| agree("control", found, expected, 80, 1.0)).is_err()
    };
    assert!(fails(found.metrics.roc_auc, &case["roc_auc"]) && fails(found.metrics.f1_macro, &case["macro"][2]));
}

#[test]
fn ties_go_to_the_first_class_and_one_output_is_cut_at_the_boundary() {
    assert_eq!(predicted_class(&[1.0, 3.0, 3.0], Loss::cross_entropy()), 1);
    assert_eq!(predicted_class(&[0.4], Loss::BinaryCrossEntropy), 0);
    assert_eq!(predicted_class(&[0.4], Loss::BceWithLogits), 1);
    assert_eq!(predicted_class(&[-0.1], Loss::Hinge), 0);
}

#[test]
fn a_confusion_matrix_counts_true_by_predicted() {
    let classes = ["a".to_string(), "b".to_string()];
    let mut tally = Tally::new(Some(&classes), 2, Loss::cross_entropy(), None);
    tally.add(&[2.0, 1.0, 2.0, 1.0], RowTargets::Classes(&[0, 1]));
    tally.add(&[0.0, 5.0], RowTargets::Numbers(&[0.0, 1.0]));
    let found = tally.finish();
    let confusion = found.confusion.unwrap();
    assert_eq!(confusion.counts, [[1, 0], [1, 1]]);
    assert!((confusion.accuracy() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(found.metrics.mae, None, "classes have no distance");
    let mut none = Tally::new(None, 2, Loss::Mse, None);
    none.add(&[2.0, 1.0], RowTargets::Numbers(&[2.0, 1.5]));
    let found = none.finish();
    assert_eq!((found.confusion, found.metrics.mae), (None, Some(0.25)));
}

#[test]
fn pieces_measure_what_the_whole_does() {
    let logits: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 23)).collect();
    let truth: Vec<u32> = (0..20).map(|i| i * 7 % 3).collect();
    let names = ["a", "b", "c"].map(str::to_string);
    let new = || Tally::new(Some(&names), 3, Loss::cross_entropy(), None);
    let (mut whole, mut pieces) = (new(), new());
    whole.add(&logits, RowTargets::Classes(&truth));
    for (logits, truth) in logits.chunks(21).zip(truth.chunks(7)) {
        pieces.add(logits, RowTargets::Classes(truth));
    }
    assert_eq!(whole.finish(), pieces.finish());
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}

/// The area of two classes that one output tells apart.
fn area(rows: &[(f64, bool)]) -> Option<f64> {
    let mut tally = Tally::new(Some(&names(2)), 1, Loss::BinaryCrossEntropy, None);
    for (score, positive) in rows {
        tally.add(&[*score], RowTargets::Numbers(&[f32::from(u8::from(*positive))]));
    }
    tally.finish().metrics.roc_auc
}

#[test]
fn equal_scores_count_a_half() {
    assert_eq!(area(&[(0.1, false), (0.9, true)]), Some(1.0));
    assert_eq!(area(&[(0.1, true), (0.9, false)]), Some(0.0));
    assert_eq!(area(&[(0.0, true), (-0.0, false)]), Some(0.5));
    assert_eq!(area(&[(0.1, true), (0.9, true)]), None);
    assert_eq!(area(&[(0.1, true), (f64::NAN, false)]), None);
}

/// Whether `class` is among the `k` highest of three outputs.
fn is_among(outputs: [f64; 3], class: u32, k: usize) -> bool {
    let mut tally = Tally::new(Some(&names(3)), 3, Loss::cross_entropy(), Some(k));
    tally.add(&outputs, RowTargets::Classes(&[class]));
    tally.finish().metrics.top_k.unwrap().accuracy == 1.0
}

#[test]
fn of_equal_outputs_the_last_comes_first() {
    assert!(!is_among([1.0, 1.0, 0.0], 0, 1) && is_among([1.0, 1.0, 0.0], 1, 1));
    assert!(is_among([1.0, 1.0, 0.0], 0, 2) && !is_among([f64::NAN, 1.0, 0.0], 0, 3));
}

#[test]
fn too_many_scores_leave_no_area_but_top_k() {
    // As many scores as are kept are 32 times these.
    let (classes, rows) = (64, 4096);
    let truth: Vec<u32> = (0..rows).map(|row| row % classes).collect();
    let right = |row: u32| (0..classes).map(move |class| if class == row % classes { 1.0 } else { 0.0 });
    let predictions: Vec<f64> = (0..rows).flat_map(right).collect();
    let measured = |times: usize| {
        let mut tally = Tally::new(Some(&names(64)), 64, Loss::cross_entropy(), Some(2));
        (0..times).for_each(|_| tally.add(&predictions, RowTargets::Classes(&truth)));
        tally.finish()
    };
    assert_eq!(measured(1).metrics.roc_auc, Some(1.0));
    let found = measured(33);
    assert_eq!(found.metrics.roc_auc, None);
    assert!(found.classes.iter().all(|class| class.roc_auc.is_none()));
    assert_eq!(found.metrics.top_k.map(|top| (top.k, top.accuracy)), Some((2, 1.0)));
}
