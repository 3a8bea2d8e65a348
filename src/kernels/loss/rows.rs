//! Loops and bounds shared by the loss kernels. Twin of `shaders/lib/loss.wgsl`.

use crate::kernels::ROW_LANES;
use crate::kernels::bound::{self, TINY};
use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::elementwise::{CHUNK, PARALLEL_FROM};
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

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

/// The sum of the terms of a row, in the order of the shader for the same LANES. `fill(first, terms)` writes the terms of
/// the columns from `first` on: a loop by itself, so that it becomes vector instructions.
#[inline(always)]
pub fn row_sum<T: Scalar>(cols: usize, lanes: usize, mut fill: impl FnMut(usize, &mut [T])) -> T {
    let mut terms = [T::zero(); ROW_LANES];
    let mut partial = [T::zero(); ROW_LANES];
    let mut sum = T::zero();
    let mut first = 0;
    while first < cols {
        let count = ROW_LANES.min(cols - first);
        let terms = &mut terms[..count];
        fill(first, terms);
        if lanes == 1 {
            terms.iter().for_each(|t| sum += *t);
        } else {
            partial.iter_mut().zip(terms).for_each(|(p, t)| *p += *t);
        }
        first += count;
    }
    if lanes == 1 {
        return sum;
    }
    tree(partial)
}

/// The sum of the lanes' sums: a binary tree.
#[inline(always)]
pub fn tree<T: Scalar>(mut sums: [T; ROW_LANES]) -> T {
    let mut half = ROW_LANES / 2;
    while half > 0 {
        for j in 0..half {
            let other = sums[j + half];
            sums[j] += other;
        }
        half /= 2;
    }
    sums[0]
}

/// Invocations that share a row in the shader: 1 or [`ROW_LANES`].
pub fn lanes(args: &Args) -> usize {
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
#[inline(always)]
pub fn scaled<T: Scalar>(slope: T, scale: T) -> T {
    if scale == T::zero() { T::zero() } else { slope * scale }
}

/// Some rows of a call: what one thread works on.
pub struct Rows<'a, T> {
    /// The first of the rows.
    pub first: usize,
    /// Elements of a row.
    pub cols: usize,
    /// Predictions, rows x cols.
    pub pred: &'a [T],
    /// Upstream gradient, one a row.
    pub upstream: &'a [T],
    /// Losses, one a row.
    pub loss: &'a mut [T],
    /// Gradients, rows x cols.
    pub dpred: &'a mut [T],
}

/// Runs `work` over all rows, cut into parts for several threads where there is enough to do.
pub fn each_part<T: Scalar>(call: &mut Call<'_, '_, T>, work: impl Fn(Rows<'_, T>) + Sync) {
    let [rows, cols, stride] = call.args.sizes();
    let step = call.inputs[0].u()[0] as usize;
    let pred = &call.inputs[1].f()[..rows * cols];
    let upstream = &call.inputs[3].f()[step * stride..][..rows];
    let [loss, dpred] = call.outputs();
    let (loss, dpred) = (&mut loss[..rows], &mut dpred[..rows * cols]);
    if rows * cols < PARALLEL_FROM {
        return work(Rows { first: 0, cols, pred, upstream, loss, dpred });
    }
    let chunk = (CHUNK / cols).max(1);
    let inputs = pred.par_chunks(chunk * cols).zip(upstream.par_chunks(chunk));
    let outputs = loss.par_chunks_mut(chunk).zip(dpred.par_chunks_mut(chunk * cols));
    inputs.zip(outputs).enumerate().for_each(|(c, ((pred, upstream), (loss, dpred)))| {
        work(Rows { first: c * chunk, cols, pred, upstream, loss, dpred });
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

/// The sum of a row's terms, or their mean.
pub fn mean(sum: Carried, cols: usize, over: Over) -> Carried {
    if over == Over::Sum || (sum.value == 0.0 && sum.error == 0.0) {
        return sum;
    }
    sum.over(Carried::count(cols))
}

/// Bound on the error of a function computed in f32 with relative error `local`, at an argument that carries error.
pub fn monotone(f: impl Fn(f64) -> f64, x: Carried, local: f64) -> Carried {
    let value = f(x.value);
    let carried = bound::monotone(f, x.value, x.error);
    Carried::new(value, carried + local * (value.abs() + carried) + TINY)
}
