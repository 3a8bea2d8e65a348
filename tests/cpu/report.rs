//! The data of a report: losses of steps, distributions, comparisons, what a run may watch.

use wgrad::report::compare::Comparison;
use wgrad::report::{EpochRecord, Histogram, Monitor, RunReport};

/// Losses of steps that a report keeps at most.
const MOST_LOSSES: usize = 1 << 16;

fn report(first_step: usize) -> RunReport {
    let mut report = RunReport::default();
    report.forget_losses_after(first_step);
    report
}

#[test]
fn losses_of_a_long_run_are_thinned_evenly_and_alike_in_any_parts() {
    let count = 5 * MOST_LOSSES;
    let losses: Vec<f64> = (0..count).map(|step| step as f64).collect();
    let mut whole = report(7);
    whole.add_losses(7, &losses);
    assert!(whole.step_losses.len() <= MOST_LOSSES && whole.step_losses.len() > MOST_LOSSES / 2);
    assert_eq!(whole.step_stride, 8);
    let at = |i: usize| whole.step_losses[i] as usize + 8;
    assert!((0..whole.step_losses.len()).all(|i| at(i) == whole.step_of(i)), "each entry is its step's");
    let mut parts = report(7);
    let mut done = 0;
    for part in losses.chunks(9973) {
        parts.add_losses(7 + done, part);
        done += part.len();
    }
    assert!(parts == whole);
}

#[test]
fn a_curve_goes_on_where_the_run_does_and_has_no_gap() {
    let mut run = report(0);
    run.add_losses(0, &[0.0, 1.0, 2.0, 3.0]);
    run.forget_losses_after(2);
    run.add_losses(2, &[2.5]);
    assert_eq!((run.step_losses.as_slice(), run.first_step), ([0.0, 1.0, 2.5].as_slice(), 0));
    run.forget_losses_after(9);
    assert_eq!((run.step_losses.len(), run.first_step), (0, 9), "steps 4 to 9 are not known");
    run.step_stride = 4;
    run.add_losses(9, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    run.forget_losses_after(13);
    assert_eq!(run.step_losses, [0.0], "steps 10 and 14 are kept, and 14 is forgotten");
}

#[test]
fn every_finite_number_lies_in_a_bin() {
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i) / 999.0).chain([f64::NAN, f64::INFINITY]).collect();
    let found = Histogram::of(&values);
    assert_eq!((found.low, found.high, found.total()), (0.0, 1.0, 1000));
    assert!(found.counts.iter().all(|c| (31..=32).contains(c)), "{:?}", found.counts);
    let equal = Histogram::of(&[2.5; 7]);
    assert_eq!((equal.counts[0], equal.total(), equal.sum), (7, 7, 17.5));
    assert_eq!(Histogram::of(&[f64::NAN]), Histogram::default());
    assert_eq!(Histogram::of(&[-f64::MAX, f64::MAX]).total(), 2);
}

#[test]
fn better_is_by_more_than_the_least_difference_and_never_nan() {
    let loss = Monitor::ValidationLoss;
    assert!(loss.is_better(0.5, 1.0, 0.25) && !loss.is_better(0.75, 1.0, 0.25) && !loss.is_better(1.0, 1.0, 0.0));
    let auc = Monitor::RocAuc;
    assert!(auc.is_better(1.0, 0.5, 0.25) && !auc.is_better(0.75, 0.5, 0.25));
    for monitor in Monitor::ALL {
        assert!(!monitor.is_better(f64::NAN, 1.0, 0.0));
        assert_eq!(Monitor::by_name(monitor.name()), Some(monitor));
    }
}

fn run(name: &str, spec: &str, losses: &[f64]) -> (String, RunReport) {
    let epochs = losses.iter().enumerate().map(|(i, loss)| EpochRecord {
        epoch: i + 1,
        train_loss: *loss,
        validation_loss: Some(*loss),
        ..EpochRecord::default()
    });
    (name.into(), RunReport { spec_toml: spec.into(), epochs: epochs.collect(), ..RunReport::default() })
}

#[test]
fn only_what_differs_is_listed_and_the_first_best_epoch_is_named() {
    let a = "[train]\nseed = 1\noptimizer = { sgd = { lr = 0.1 } }\n[[model.layers]]\ndense = 4\n";
    let b = "[train]\nseed = 1\noptimizer = { adam = { lr = 0.1 } }\n[[model.layers]]\ndense = 8\n";
    let found = Comparison::of(&[run("a", a, &[2.0, 1.0, 1.0]), run("b", b, &[3.0])]);
    let keys: Vec<&str> = found.differences.iter().map(|d| d.key.as_str()).collect();
    assert_eq!(keys, ["model.layers[0].dense", "train.optimizer.adam.lr", "train.optimizer.sgd.lr"]);
    assert_eq!(found.differences[0].values, [Some("4".to_string()), Some("8".to_string())]);
    assert_eq!(found.differences[1].values, [None, Some("0.1".to_string())]);
    assert_eq!((found.runs[0].best_epoch, found.runs[0].best_validation_loss), (Some(2), Some(1.0)));
    assert!(Comparison::of(&[run("a", a, &[]), run("b", a, &[])]).differences.is_empty());
    assert!(Comparison::of(&[run("a", "no toml [", &[])]).differences.is_empty());
}
