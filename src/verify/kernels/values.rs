//! Operands of a conformance case: seeded numbers that fit what each binding means.

use super::{Case, TABLE_STEPS, UNWRITTEN, UNWRITTEN_INDEX};
use crate::data::rng::Philox;
use crate::kernels::definition::Binding;
use crate::kernels::{Access, Dtype, Kernel};
use crate::optim::HYPER_COLUMNS;

/// How far apart the numbers of a case lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Standard normal numbers.
    Unit,
    /// The same among zeros, tiny and large numbers and the places where functions saturate.
    Mixed,
}

/// Above this length a binding repeats its first numbers; a prime, so that no period of a grid or tile hides an error.
const PERIOD: usize = 65_537;
/// Rows that the data of a gather has.
const DATA_ROWS: usize = 11;
/// Where activations saturate, where exp leaves the range of f32, kinks, and neighbours of 0.
const EXTREMES: [f64; 18] = [
    0.0, -0.0, 1e-30, -1e-30, 0.625, -0.625, 1.0, -1.0, 17.0, -17.0, 88.0, -88.0, 104.5, -104.5, 200.0, -200.0, 1e4,
    -1e4,
];

/// Standard normal numbers: G. E. P. Box and M. E. Muller (1958), one of the pair.
fn normal(rng: &mut Philox) -> f64 {
    let (u, v) = (1.0 - rng.next_f64(), rng.next_f64());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn number(rng: &mut Philox, scale: Scale) -> f64 {
    let x = normal(rng);
    match (scale, rng.below(5)) {
        (Scale::Unit, _) | (_, 0) => x,
        (_, 1) => 0.0,
        (_, 2) => x * 1e-30,
        (_, 3) => x * 1e-5,
        _ => x * 1e5,
    }
}

fn extreme(rng: &mut Philox, scale: Scale) -> f64 {
    let x = normal(rng);
    match (scale, rng.below(3)) {
        (Scale::Unit, _) => 2.0 * x,
        (_, 0) => EXTREMES[rng.below(EXTREMES.len() as u32) as usize],
        (_, 1) => 30.0 * x,
        _ => x,
    }
}

/// Fills every binding with the given lengths.
pub fn fill(case: &mut Case, lengths: &[usize], scale: Scale, seed: u64) {
    for (i, binding) in case.kernel.bindings.iter().enumerate() {
        let mut rng = Philox::new(seed, i as u64);
        let values = match (binding.access, case.dtypes[i]) {
            (Access::Write, Dtype::F32) => vec![UNWRITTEN; lengths[i]],
            (Access::Write, Dtype::U32) => vec![UNWRITTEN_INDEX; lengths[i]],
            _ => binding_values(case, binding, i, lengths[i], scale, &mut rng),
        };
        // What the device holds is an f32; indices stay below 2^24 or are words of their own.
        let rounded = |v: f64| if case.dtypes[i] == Dtype::F32 { f64::from(v as f32) } else { v };
        case.values.push(values.into_iter().map(rounded).collect());
    }
    if case.kernel == Kernel::weighted_sum && scale == Scale::Mixed {
        // A padding sample may hold anything.
        let first = (TABLE_STEPS - 1) * case.args.size(1);
        for i in 0..case.args.size(0) {
            if case.values[1][first + i] == 0.0 {
                case.values[0][i] = f64::INFINITY;
            }
        }
    }
}

fn binding_values(case: &Case, of: &Binding, i: usize, len: usize, scale: Scale, rng: &mut Philox) -> Vec<f64> {
    let of_rows = case.kernel.params.starts_with(&["rows", "cols"]);
    let [rows, cols] = if of_rows { case.args.sizes() } else { [1, 1] };
    match of.name {
        // The last row of the tables, so that every stride counts.
        "step" => vec![(TABLE_STEPS - 1) as f64],
        "index" => repeated(len, || f64::from(rng.below(DATA_ROWS as u32))),
        "x" if case.kernel.gathers() => repeated(DATA_ROWS * len, || number(rng, scale)),
        "data" if case.dtypes[i] == Dtype::U32 => repeated(DATA_ROWS * cols, || f64::from(rng.next_u32())),
        "data" => repeated(DATA_ROWS * cols, || number(rng, scale)),
        "found" => vec![0.0],
        // Rows of a batch that are samples.
        "count" | "counted" => repeated(len, || f64::from(1 + rng.below(rows as u32))),
        "variance" => repeated(len, || number(rng, scale).powi(2)),
        "random" => repeated(len, || f64::from(rng.next_u32())),
        "hyper" => (0..TABLE_STEPS).flat_map(|t| hyper_row(case.kernel, t)).collect(),
        "target_class" => repeated(DATA_ROWS, || f64::from(rng.below(case.args.size(1) as u32))),
        "expected" if case.kernel == Kernel::cross_entropy => repeated(len, || f64::from(rng.below(cols as u32))),
        "expected" => expected(case, len, rng),
        "pred" if case.kernel == Kernel::binary_cross_entropy => repeated(len, || probability(rng, scale)),
        "weight" | "upstream" => repeated(len, || if rng.below(5) == 0 { 0.0 } else { normal(rng) }),
        "p" => probabilities(rows, cols, rng, scale),
        "mean" if case.kernel == Kernel::rmsprop_centered_step => means(case, len, rng),
        // A second moment is a mean of squares, or a sum of them.
        "v" | "square" | "sum" | "total" => repeated(len, || number(rng, scale).powi(2)),
        "x" if matches!(case.kernel.name, "matmul_bias_act" | "dense_cross_entropy") => {
            repeated(len, || number(rng, scale))
        }
        "x" | "pred" | "saved" => repeated(len, || extreme(rng, scale)),
        _ => repeated(len, || number(rng, scale)),
    }
}

/// `len` numbers, the first [`PERIOD`] of which are drawn.
fn repeated(len: usize, mut draw: impl FnMut() -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = (0..len.min(PERIOD)).map(|_| draw()).collect();
    while values.len() < len {
        let more = (len - values.len()).min(PERIOD);
        values.extend_from_within(..more);
    }
    values
}

/// A row of the optimizer's table as it stands after `10 t` steps of a cycled momentum, its unused columns poisoned.
fn hyper_row(kernel: Kernel, t: usize) -> [f64; HYPER_COLUMNS] {
    let steps = (10 * t + 1) as f64;
    let lr = 0.05 / (t + 1) as f64;
    let momentum = 0.95 - 0.05 * t as f64;
    let one_minus = 1.0 - momentum;
    let inv_sqrt_bias2 = 1.0 / (1.0 - 0.999_f64.powf(steps)).sqrt();
    match kernel.name {
        "adam_step" | "adamw_step" => {
            [lr, lr / (1.0 - momentum.powf(steps)), inv_sqrt_bias2, f64::NAN, momentum, one_minus]
        }
        "nadam_step" => [f64::NAN, 0.1 * lr, inv_sqrt_bias2, lr, momentum, one_minus],
        "adagrad_step" => [f64::NAN, lr, f64::NAN, f64::NAN, f64::NAN, f64::NAN],
        "lion_step" => [lr, f64::NAN, f64::NAN, f64::NAN, momentum, one_minus],
        "sgd_momentum_step" | "rmsprop_momentum_step" | "rmsprop_centered_step" => {
            [lr, f64::NAN, f64::NAN, f64::NAN, momentum, f64::NAN]
        }
        _ => [lr, f64::NAN, f64::NAN, f64::NAN, f64::NAN, f64::NAN],
    }
}

/// Means of numbers whose squares have the means in `square`. The square of a mean is at most the mean of the squares, but for
/// rounding: some are a little larger, so that the variance counts as 0.
fn means(case: &Case, len: usize, rng: &mut Philox) -> Vec<f64> {
    let square = case.kernel.bindings.iter().position(|b| b.name == "square");
    let square = square.and_then(|s| case.values.get(s)).cloned().unwrap_or_default();
    (0..len).map(|i| 2.2 * (rng.next_f64() - 0.5) * square.get(i).map_or(0.0, |s| s.sqrt())).collect()
}

fn expected(case: &Case, len: usize, rng: &mut Philox) -> Vec<f64> {
    let pred = case.kernel.bindings.iter().position(|b| b.name == "pred");
    let pred = pred.and_then(|p| case.values.get(p)).cloned().unwrap_or_default();
    let mut target = |y: f64| match (case.kernel.name, rng.below(3)) {
        ("binary_cross_entropy" | "bce_with_logits", 0) => rng.next_f64(),
        ("binary_cross_entropy" | "bce_with_logits", choice) => f64::from(choice - 1),
        ("hinge", choice) => [-1.0, 1.0, 1.0][choice as usize],
        // A target that is met: the kink of mae, the vertex of the squares.
        (_, 0) => y,
        _ => normal(rng),
    };
    (0..len).map(|k| target(pred.get(k).copied().unwrap_or(0.0))).collect()
}

fn probability(rng: &mut Philox, scale: Scale) -> f64 {
    const ENDS: [f64; 6] = [0.0, 1.0, 1e-30, 1e-12, 0.5, 1.0 - 1.0 / 16_777_216.0];
    match (scale, rng.below(3)) {
        (Scale::Mixed, 0) => ENDS[rng.below(6) as usize],
        _ => rng.next_f64(),
    }
}

/// Rows that sum to 1, as softmax gives them.
fn probabilities(rows: usize, cols: usize, rng: &mut Philox, scale: Scale) -> Vec<f64> {
    let mut values = Vec::with_capacity(rows * cols);
    for _ in 0..rows {
        let logits: Vec<f64> = (0..cols).map(|_| extreme(rng, scale)).collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|z| (z - top).exp()).sum();
        values.extend(logits.iter().map(|z| (z - top).exp() / sum));
    }
    values
}

/// The bindings of numbers that `kernel` reads; NaN in any of them must show in the results.
pub fn numbers_read(kernel: Kernel) -> Vec<usize> {
    let bindings = kernel.bindings.iter().enumerate();
    let numbers =
        |b: &Binding| b.dtype == Dtype::F32 && b.access != Access::Write && !matches!(b.name, "hyper" | "log");
    bindings.filter(|(_, b)| numbers(b)).map(|(i, _)| i).collect()
}

/// Makes one number of a binding NaN, in the row of the table that the dispatch reads.
pub fn plant_nan(case: &mut Case, binding: usize) {
    let len = case.values[binding].len();
    case.values[binding][len - 1 - len / 6] = f64::NAN;
    case.with_nan = true;
    case.name = format!("{}, NaN in {}", case.name, case.kernel.bindings[binding].name);
}
