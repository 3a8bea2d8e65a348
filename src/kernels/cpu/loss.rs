//! Loops and bounds shared by the loss kernels. Twin of `shaders/lib/loss.wgsl` and `shaders/lib/element_loss.wgsl`.
//!
//! Shapes: pred, expected, dpred `[rows, cols]` (cross_entropy: expected `[rows]`), upstream `[steps, upstream_stride]`
//! or `[rows]`, loss `[rows]`. Order of sums: by column; with LANES = 64, each lane by column, then a fixed tree.

use super::carried::Carried;
use crate::kernels::ROW_LANES;
use crate::kernels::bound::{self, TINY, U};
use crate::kernels::row::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Up to this many elements a thread hand-off costs more than it saves.
const PARALLEL_ABOVE: usize = 16 * 1024;
const CHUNK: usize = 4 * 1024;

/// What one output contributes: its loss, and its derivative by the prediction.
#[derive(Debug, Clone, Copy)]
pub struct Element<T> {
    /// The loss.
    pub loss: T,
    /// d loss / d pred.
    pub slope: T,
}

/// Whether a loss is the mean or the sum over the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Divided by `cols`.
    Mean,
    /// As it is.
    Sum,
}

/// The sum of `term(0..cols)`, in the order of the shader for the same LANES.
pub fn row_sum<T: Scalar>(cols: usize, args: &Args, mut term: impl FnMut(usize) -> T) -> T {
    if lanes(args) == 1 {
        return (0..cols).fold(T::zero(), |sum, j| sum + term(j));
    }
    let mut partial = [T::zero(); ROW_LANES];
    for j in 0..cols {
        partial[j % ROW_LANES] += term(j);
    }
    let mut width = ROW_LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let other = partial[lane + width];
            partial[lane] += other;
        }
        width /= 2;
    }
    partial[0]
}

fn lanes(args: &Args) -> usize {
    (args.constant("LANES") as usize).max(1)
}

/// The roundings that a term of [`row_sum`] goes through.
pub fn row_sum_depth(cols: usize, args: &Args) -> usize {
    match lanes(args) {
        1 => cols,
        lanes => cols.div_ceil(lanes) + lanes.ilog2() as usize,
    }
}

/// slope * scale, exactly 0 for scale = 0: padding rows may hold anything.
pub fn scaled<T: Scalar>(slope: T, scale: T) -> T {
    if scale == T::zero() { T::zero() } else { slope * scale }
}

/// Runs `row(i, pred, upstream, dpred)`, which writes the gradient of a row and gives its loss, over all rows.
pub fn each_row<T: Scalar>(call: &mut Call<'_, '_, T>, row: impl Fn(usize, &[T], T, &mut [T]) -> T + Sync) {
    let [rows, cols, stride] = call.args.sizes();
    let step = call.inputs[0].u()[0] as usize;
    let pred = &call.inputs[1].f()[..rows * cols];
    let upstream = &call.inputs[3].f()[step * stride..][..rows];
    let [loss, dpred] = call.outputs();
    let run = |first: usize, loss: &mut [T], dpred: &mut [T]| {
        for (k, (loss, dpred)) in loss.iter_mut().zip(dpred.chunks_mut(cols)).enumerate() {
            let i = first + k;
            *loss = row(i, &pred[i * cols..][..cols], upstream[i], dpred);
        }
    };
    let (loss, dpred) = (&mut loss[..rows], &mut dpred[..rows * cols]);
    if rows * cols <= PARALLEL_ABOVE {
        run(0, loss, dpred);
    } else {
        let chunk = (CHUNK / cols).max(1);
        let outputs = loss.par_chunks_mut(chunk).zip(dpred.par_chunks_mut(chunk * cols));
        outputs.enumerate().for_each(|(c, (loss, dpred))| run(c * chunk, loss, dpred));
    }
}

/// Runs a loss that treats each output by itself: `element(y, t)`. A NaN in y or t makes loss and gradient NaN.
pub fn elementwise<T: Scalar>(call: &mut Call<'_, '_, T>, over: Over, element: impl Fn(T, T) -> Element<T> + Sync) {
    let args = call.args;
    let cols = args.size(1);
    let count = if over == Over::Mean { T::of(cols as f64) } else { T::one() };
    let expected = call.inputs[2].f();
    each_row(call, |i, pred, upstream, dpred| {
        let expected = &expected[i * cols..][..cols];
        let scale = upstream / count;
        let total = row_sum(cols, args, |j| {
            let (y, t) = (pred[j], expected[j]);
            let nan = Element { loss: T::nan(), slope: T::nan() };
            let e = if y.is_nan() || t.is_nan() { nan } else { element(y, t) };
            dpred[j] = scaled(e.slope, scale);
            e.loss
        });
        total / count
    });
}

/// The upstream gradient of sample `row`; the host rounds its table to f32 once.
pub fn upstream(call: &BoundCall<'_>, row: usize) -> Carried {
    let step = call.inputs[0].value[0] as usize;
    Carried::input(&call.inputs[3], step * call.args.size(2) + row).rounded_again()
}

/// Bound on the error of slope * scale.
pub fn scaled_error(slope: Carried, scale: Carried) -> f64 {
    if scale.value == 0.0 && scale.error == 0.0 { 0.0 } else { (slope * scale).error }
}

/// Bounds a loss that treats each output by itself. `rule(y, t)` gives an output's loss and slope with the errors
/// they have in f32 for inputs that carry errors. Overflow of f32 is not covered.
pub fn bound_elementwise(
    call: &BoundCall<'_>,
    over: Over,
    rule: impl Fn(Carried, Carried) -> Element<Carried>,
) -> Vec<Vec<f64>> {
    let [rows, cols, _] = call.args.sizes();
    let gamma = bound::gamma(row_sum_depth(cols, call.args));
    let mut loss = Vec::with_capacity(rows);
    let mut dpred = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let scale = mean(upstream(call, i), cols, over);
        let (mut total, mut error, mut magnitude) = (0.0, 0.0, 0.0);
        for k in i * cols..(i + 1) * cols {
            let e = rule(Carried::input(&call.inputs[1], k), Carried::input(&call.inputs[2], k));
            total += e.loss.value;
            error += e.loss.error + TINY;
            magnitude += e.loss.magnitude();
            dpred.push(scaled_error(e.slope, scale));
        }
        loss.push(mean(Carried::new(total, error + gamma * magnitude), cols, over).error);
    }
    vec![loss, dpred]
}

fn mean(sum: Carried, cols: usize, over: Over) -> Carried {
    if over == Over::Sum || (sum.value == 0.0 && sum.error == 0.0) {
        return sum;
    }
    let count = cols as f64;
    // From 2^24 on the count itself rounds.
    sum.over(Carried::new(count, if cols < 1 << 24 { 0.0 } else { U * count }))
}

/// Bound on the error of a function computed in f32 with relative error `local`, at an argument that carries error.
pub fn monotone(f: impl Fn(f64) -> f64, x: Carried, local: f64) -> Carried {
    let value = f(x.value);
    let carried = bound::monotone(f, x.value, x.error);
    Carried::new(value, carried + local * (value.abs() + carried) + TINY)
}
