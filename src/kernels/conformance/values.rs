//! Operands of a conformance case: seeded numbers that fit what each binding means.

use super::{Case, TABLE_STEPS};
use crate::kernels::definition::{Access, Binding, Dtype, Kernel};
use crate::kernels::philox::Philox;

/// What a conformance case puts into a binding.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// Standard normal numbers, some tiny or large.
    Number,
    /// Numbers among those where functions saturate, have a kink or leave the range of f32.
    Extreme,
    /// Squares: a second moment is a mean of squares, or a sum of them.
    Square,
    /// Numbers of which a fifth is 0, as the weight of a row that only fills a batch up.
    Weight,
    /// The last row of the tables, so that every stride counts.
    Step,
    /// Rows of a data set.
    Index,
    /// A data set, of which the extent is one row: numbers or words.
    Data,
    /// Random words.
    Word,
    /// Numbers of rows of a batch.
    Count,
    /// Zeros.
    Zero,
    /// A table with this row for each step; never NaN, for some of its numbers are not used.
    Table(fn(usize) -> Vec<f64>),
    /// The log of losses, whose old numbers are only overwritten.
    Log,
    /// What only this kernel has: so many elements, by the bindings before.
    Own(fn(&Case, usize, Scale, &mut Philox) -> Vec<f64>),
}

/// How far apart the numbers of a case lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Standard normal numbers.
    Unit,
    /// The same among zeros, tiny and large numbers and the places where functions saturate.
    Mixed,
}

/// What written bindings hold before the dispatch: no kernel computes it, so an element left out is seen.
const UNWRITTEN: f64 = -7.25e8;
/// The same for indices.
const UNWRITTEN_INDEX: f64 = 3_735_928_559.0;
/// Above this length a binding repeats its first numbers; a prime, so that no period of a grid or tile hides an error.
const PERIOD: usize = 65_537;
/// Rows that the data of a gather has.
pub const DATA_ROWS: usize = 11;
/// Where activations saturate, where exp leaves the range of f32, kinks, and neighbours of 0.
const EXTREMES: [f64; 18] = [
    0.0, -0.0, 1e-30, -1e-30, 0.625, -0.625, 1.0, -1.0, 17.0, -17.0, 88.0, -88.0, 104.5, -104.5, 200.0, -200.0, 1e4,
    -1e4,
];

/// Standard normal numbers: G. E. P. Box and M. E. Muller (1958), one of the pair.
pub fn normal(rng: &mut Philox) -> f64 {
    let (u, v) = (1.0 - rng.next_f64(), rng.next_f64());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// One of [`Values::Number`].
pub fn number(rng: &mut Philox, scale: Scale) -> f64 {
    let x = normal(rng);
    match (scale, rng.below(5)) {
        (Scale::Unit, _) | (_, 0) => x,
        (_, 1) => 0.0,
        (_, 2) => x * 1e-30,
        (_, 3) => x * 1e-5,
        _ => x * 1e5,
    }
}

/// One of [`Values::Extreme`].
pub fn extreme(rng: &mut Philox, scale: Scale) -> f64 {
    let x = normal(rng);
    match (scale, rng.below(3)) {
        (Scale::Unit, _) => 2.0 * x,
        (_, 0) => EXTREMES[rng.below(EXTREMES.len() as u32) as usize],
        (_, 1) => 30.0 * x,
        _ => x,
    }
}

/// `len` numbers, the first `PERIOD` of which are drawn.
pub fn repeated(len: usize, mut draw: impl FnMut() -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = (0..len.min(PERIOD)).map(|_| draw()).collect();
    while values.len() < len {
        let more = (len - values.len()).min(PERIOD);
        values.extend_from_within(..more);
    }
    values
}

/// Fills every binding.
pub fn fill(case: &mut Case, scale: Scale, seed: u64) {
    for (i, binding) in case.kernel.bindings.iter().enumerate() {
        let (dtype, mut rng) = (case.dtypes[i], Philox::new(seed, i as u64));
        let len = binding.len(&case.args, TABLE_STEPS);
        let values = match binding.values {
            _ if binding.access == Access::Write && dtype == Dtype::F32 => vec![UNWRITTEN; len],
            _ if binding.access == Access::Write => vec![UNWRITTEN_INDEX; len],
            Values::Number | Values::Log => repeated(len, || number(&mut rng, scale)),
            Values::Extreme => repeated(len, || extreme(&mut rng, scale)),
            Values::Square => repeated(len, || number(&mut rng, scale).powi(2)),
            Values::Weight => repeated(len, || if rng.below(5) == 0 { 0.0 } else { normal(&mut rng) }),
            Values::Step => vec![(TABLE_STEPS - 1) as f64],
            Values::Index => repeated(len, || f64::from(rng.below(DATA_ROWS as u32))),
            Values::Data if dtype == Dtype::U32 => repeated(DATA_ROWS * len, || f64::from(rng.next_u32())),
            Values::Data => repeated(DATA_ROWS * len, || number(&mut rng, scale)),
            Values::Word => repeated(len, || f64::from(rng.next_u32())),
            Values::Count => repeated(len, || f64::from(1 + rng.below(case.args.size(0) as u32))),
            Values::Zero => vec![0.0; len],
            Values::Table(row) => (0..TABLE_STEPS).flat_map(row).collect(),
            Values::Own(draw) => draw(case, len, scale, &mut rng),
        };
        // What the device holds is an f32; indices stay below 2^24 or are words of their own.
        let rounded = |v: f64| if dtype == Dtype::F32 { f64::from(v as f32) } else { v };
        case.values.push(values.into_iter().map(rounded).collect());
    }
}

/// The bindings of numbers that `kernel` reads; NaN in any of them must show in the results.
pub fn may_be_nan(kernel: Kernel) -> impl Iterator<Item = usize> {
    let numbers = |b: &Binding| {
        let used = !matches!(b.values, Values::Table(_) | Values::Log);
        used && b.dtype == Dtype::F32 && b.access != Access::Write
    };
    kernel.bindings.iter().enumerate().filter(move |(_, b)| numbers(b)).map(|(i, _)| i)
}

/// The case with one number of a binding NaN, in the row of the table that the dispatch reads.
pub fn with_nan(case: &Case, binding: usize) -> Case {
    let len = case.values[binding].len();
    case.changed(&format!("NaN in {}", case.kernel.bindings[binding].name), |case| {
        case.values[binding][len - 1 - len / 6] = f64::NAN;
        case.with_nan = true;
    })
}
