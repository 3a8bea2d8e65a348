//! The loss kernels on the CPU: f32 within the stated bound of f64, gradients against central differences.

use super::rig;

use rig::{Case, Rng};
use wgrad::kernels::{Args, Kernel, Param};

const ELEMENTWISE: [Kernel; 8] = [
    Kernel::half_squared_error,
    Kernel::mse,
    Kernel::mae,
    Kernel::huber,
    Kernel::binary_cross_entropy,
    Kernel::bce_with_logits,
    Kernel::hinge,
    Kernel::quantile,
];
const SHAPES: [(usize, usize); 7] = [(1, 1), (3, 1), (1, 65), (7, 10), (5, 64), (4, 65), (3, 200)];

fn losses() -> impl Iterator<Item = Kernel> {
    ELEMENTWISE.into_iter().chain([Kernel::cross_entropy])
}

fn prediction(kernel: Kernel, rng: &mut Rng) -> f64 {
    const LOGITS: [f64; 9] = [200.0, -200.0, 0.0, 88.0, -88.0, 1e-30, -17.0, 17.0, 1.0];
    const PROBABILITIES: [f64; 9] = [0.0, 1.0, 0.5, 1e-30, 1e-12, 2e-38, 1.0 - 1.0 / 16777216.0, 1e-7, 0.25];
    let extreme = rng.below(3) == 0;
    match kernel.name {
        "binary_cross_entropy" if extreme => PROBABILITIES[rng.below(9)],
        "binary_cross_entropy" => rng.uniform(0.0, 1.0),
        _ if extreme => LOGITS[rng.below(9)],
        _ => rng.uniform(-4.0, 4.0),
    }
}

fn target(kernel: Kernel, y: f64, rng: &mut Rng) -> f64 {
    match kernel.name {
        "binary_cross_entropy" | "bce_with_logits" => [0.0, 1.0, rng.uniform(0.0, 1.0)][rng.below(3)],
        "hinge" => [-1.0, 1.0][rng.below(2)],
        _ if rng.below(4) == 0 => y,
        _ => rng.uniform(-4.0, 4.0),
    }
}

/// A random dispatch; its upstream table has two steps and the second is taken. Row 0 of three or more is padding.
fn case(kernel: Kernel, (rows, cols): (usize, usize), error: f64, rng: &mut Rng) -> Case {
    let params = vec![Param::U(rows as u32), Param::U(cols as u32), Param::U(rows as u32)];
    let lanes = if cols > 64 || rng.below(2) == 0 { 64.0 } else { 1.0 };
    let pred: Vec<f64> = (0..rows * cols).map(|_| rig::f32_of(prediction(kernel, rng))).collect();
    let expected: Vec<f64> = match kernel.name {
        "cross_entropy" => (0..rows).map(|_| rng.below(cols) as f64).collect(),
        _ => pred.iter().map(|&y| rig::f32_of(target(kernel, y, rng))).collect(),
    };
    let mut upstream: Vec<f64> = (0..2 * rows).map(|_| rig::f32_of(rng.uniform(-1.0, 1.0))).collect();
    if rows > 2 {
        upstream[rows] = 0.0;
    }
    let mut constants = vec![("LANES", lanes), ("DELTA", 0.7), ("QUANTILE", 0.7)];
    if kernel == Kernel::cross_entropy {
        constants.push(("SMOOTHING", [0.0, 0.1, 0.9][rng.below(3)]));
    }
    let mut case = Case::new(kernel, Args { params, constants });
    case.inputs = vec![rig::exact(vec![1.0]), rig::exact(pred), rig::exact(expected), rig::exact(upstream)];
    case.before = vec![rig::exact(vec![f64::NAN; rows]), rig::exact(vec![f64::NAN; rows * cols])];
    if error > 0.0 {
        let both = if kernel == Kernel::cross_entropy { &[1usize, 3][..] } else { &[1, 2, 3] };
        for &k in both {
            let input = &mut case.inputs[k];
            for (value, e) in input.value.iter().zip(&mut input.error) {
                *e = error * [1.0, value.abs(), 0.0][rng.below(3)];
            }
        }
        if kernel == Kernel::binary_cross_entropy {
            // Only probabilities are covered: those at the ends stay exact.
            let p = &mut case.inputs[1];
            for (value, e) in p.value.iter().zip(&mut p.error) {
                *e = e.min(*value).min(1.0 - *value);
            }
        }
    }
    case
}

#[test]
fn f32_lies_within_the_bound() {
    for kernel in losses() {
        let mut rng = Rng::new(1);
        for round in 0..60 {
            for shape in SHAPES {
                for error in [0.0, 1e-6, 1e-2] {
                    let case = case(kernel, shape, error, &mut rng);
                    let report = case.check(&mut rng);
                    assert!(report.holds(), "{kernel:?} {shape:?} error {error} round {round}: {report:?}");
                }
            }
        }
    }
}

#[test]
fn a_nudge_by_four_bounds_is_flagged() {
    for kernel in losses() {
        let mut rng = Rng::new(2);
        for shape in SHAPES {
            let case = case(kernel, shape, 1e-6, &mut rng);
            case.check_nudges(&mut rng);
        }
    }
}

#[test]
fn bounds_are_not_wildly_loose() {
    for kernel in losses() {
        let mut rng = Rng::new(3);
        let mut worst = [0.0f64; 2];
        for _ in 0..200 {
            for shape in SHAPES {
                let report = case(kernel, shape, 0.0, &mut rng).check(&mut rng);
                for (worst, ratio) in worst.iter_mut().zip(&report.ratio) {
                    *worst = worst.max(*ratio);
                }
            }
        }
        eprintln!("{kernel:?}: worst error / bound: loss {:.3}, dpred {:.3}", worst[0], worst[1]);
        // A slope of mae or hinge has no error of its own; what remains is the division by cols.
        assert!(worst.iter().all(|&ratio| ratio > 0.02), "{kernel:?}: {worst:?}");
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    for kernel in losses() {
        let mut rng = Rng::new(4);
        for shape in [(1, 1), (3, 5), (2, 65)] {
            let mut case = case(kernel, shape, 0.0, &mut rng);
            smooth_prediction(&mut case, &mut rng);
            let (rows, cols) = shape;
            let upstream = case.inputs[3].value[rows..].to_vec();
            let gradient = case.run_f64()[1].clone();
            for k in 0..rows * cols {
                let h = 1e-5;
                let mut at = |d: f64| {
                    let old = case.inputs[1].value[k];
                    case.inputs[1].value[k] = old + d;
                    let loss = case.run_f64()[0][k / cols];
                    case.inputs[1].value[k] = old;
                    loss
                };
                let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                let difference = (slope * upstream[k / cols] - gradient[k]).abs();
                // The truncation, h^4 / 30 of the fifth derivative (at most 24 / 0.2^5), is below 1e-14. Rounding: a
                // loss sums cols terms of at most about 10 roundings each, the argument rounds too, and the formula
                // adds up 18 of these errors over 12 h.
                let rounding = f64::EPSILON * ((cols + 10) as f64 * at(0.0).abs() + 6.0 * slope.abs());
                let tolerance = upstream[k / cols].abs() * (1.5 * rounding / h + 1e-14);
                assert!(difference <= tolerance, "{kernel:?} {shape:?} element {k}: {difference} > {tolerance}");
                assert!(tolerance < 1e-6, "{kernel:?}: a tolerance of {tolerance} says nothing");
            }
        }
    }
}

/// Moves predictions to where the loss is smooth and its derivatives are of order one.
fn smooth_prediction(case: &mut Case, rng: &mut Rng) {
    let kernel = case.kernel;
    for k in 0..case.inputs[1].value.len() {
        if matches!(kernel.name, "mse" | "half_squared_error" | "mae" | "huber" | "quantile") {
            case.inputs[2].value[k] = rng.uniform(-1.0, 1.0);
        }
        case.inputs[1].value[k] = match kernel.name {
            "binary_cross_entropy" => rng.uniform(0.2, 0.8),
            "mae" | "huber" | "quantile" => case.inputs[2].value[k] + [-2.0, -1.0, -0.3, 0.2, 1.5][rng.below(5)],
            "hinge" => [-1.5, 0.3, 0.9, 1.1, 2.0][rng.below(5)],
            _ => rng.uniform(-3.0, 3.0),
        };
    }
}

#[test]
fn known_values() {
    let one = |kernel: Kernel, pred: Vec<f64>, expected: Vec<f64>| {
        let cols = pred.len() as u32;
        let params = vec![Param::U(1), Param::U(cols), Param::U(0)];
        let mut case = Case::new(kernel, Args { params, constants: vec![("DELTA", 1.0), ("QUANTILE", 0.25)] });
        case.before = vec![rig::exact(vec![0.0]), rig::exact(pred.clone())];
        case.inputs = vec![rig::exact(vec![5.0]), rig::exact(pred), rig::exact(expected), rig::exact(vec![1.0])];
        let after = case.run_f64();
        (after[0][0], after[1].clone())
    };
    assert_eq!(one(Kernel::half_squared_error, vec![1.0, 3.0], vec![0.0, 1.0]), (2.5, vec![1.0, 2.0]));
    assert_eq!(one(Kernel::mse, vec![1.0, 3.0], vec![0.0, 1.0]), (2.5, vec![1.0, 2.0]));
    assert_eq!(one(Kernel::mae, vec![1.0, 3.0], vec![1.0, 1.0]), (1.0, vec![0.0, 0.5]));
    assert_eq!(one(Kernel::huber, vec![0.5, 3.0], vec![0.0, 1.0]), (0.8125, vec![0.25, 0.5]));
    assert_eq!(
        one(Kernel::quantile, vec![1.0, 3.0, 1.0], vec![1.0, 1.0, 5.0]),
        (2.5 / 3.0, vec![0.25 / 3.0, 0.25, -0.25 / 3.0])
    );
    assert_eq!(one(Kernel::hinge, vec![1.0, 0.5], vec![1.0, -1.0]), (0.75, vec![0.0, 0.5]));
    // Wrong with certainty: the clamped logarithm, and the gradient over the least denominator.
    let steepest = -1.0 / f64::from(1e-12_f32);
    assert_eq!(one(Kernel::binary_cross_entropy, vec![0.0], vec![1.0]), (100.0, vec![steepest]));
    assert_eq!(one(Kernel::binary_cross_entropy, vec![1.0], vec![1.0]), (0.0, vec![0.0]));
    assert_eq!(one(Kernel::bce_with_logits, vec![200.0], vec![1.0]), ((-200f64).exp(), vec![-(-200f64).exp()]));
    let (loss, slope) = one(Kernel::cross_entropy, vec![40.0, 0.0], vec![0.0]);
    let rest = (-40f64).exp();
    assert_eq!((loss, slope), (rest.ln_1p(), vec![-rest / (1.0 + rest), rest / (1.0 + rest)]));
}

#[test]
fn what_has_no_value_is_nan() {
    let mut rng = Rng::new(5);
    for kernel in losses() {
        let mut case = case(kernel, (4, 6), 0.0, &mut rng);
        // Row 0 is padding, row 1 bad, rows 2 and 3 good.
        case.inputs[1].value[0] = f64::NAN;
        case.inputs[1].value[6] = f64::NAN;
        let after = case.run_f64();
        assert!(after[0][1].is_nan() && after[1][6].is_nan(), "{kernel:?}");
        assert!(after[1][..6].iter().all(|d| *d == 0.0), "{kernel:?}: the gradient of a padding row is 0");
        assert!(after[0][2..].iter().chain(&after[1][12..]).all(|v| v.is_finite()), "{kernel:?}");
    }
    for outside in [-1e-30, -1.0, 1.0 + f64::from(f32::EPSILON), 7.0] {
        let mut case = case(Kernel::binary_cross_entropy, (1, 3), 0.0, &mut rng);
        case.inputs[1].value[1] = outside;
        let after = case.run_f64();
        assert!(after[0][0].is_nan() && after[1][1].is_nan(), "p = {outside}");
    }
    let mut case = case(Kernel::cross_entropy, (2, 3), 0.0, &mut rng);
    case.inputs[2].value[1] = 3.0;
    let after = case.run_f64();
    assert!(after[0][1].is_nan() && after[1][3..].iter().all(|d| d.is_nan()));
    assert!(after[0][0].is_finite());
}

#[test]
fn many_rows_in_parallel_are_the_rows_one_by_one() {
    let mut rng = Rng::new(6);
    for kernel in losses() {
        let many = case(kernel, (4001, 5), 0.0, &mut rng);
        let all = many.run_f64();
        for row in [0, 1, 819, 820, 4000] {
            let mut one = case(kernel, (1, 5), 0.0, &mut rng);
            one.args = many.args.clone();
            one.args.params[0] = Param::U(1);
            one.args.params[2] = Param::U(0);
            let per_row = if kernel == Kernel::cross_entropy { 1 } else { 5 };
            one.inputs[1].value = many.inputs[1].value[row * 5..][..5].to_vec();
            one.inputs[2].value = many.inputs[2].value[row * per_row..][..per_row].to_vec();
            one.inputs[3].value = vec![many.inputs[3].value[4001 + row]];
            let after = one.run_f64();
            assert_eq!(after[0][0], all[0][row], "{kernel:?} row {row}");
            assert_eq!(after[1], all[1][row * 5..][..5], "{kernel:?} row {row}");
        }
    }
}
