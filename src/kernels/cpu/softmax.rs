//! softmax: y_ij = exp(x_ij - m_i) / sum_k exp(x_ik - m_i), m_i = max_k x_ik. Twin of `shaders/softmax.wgsl`.
//!
//! Shapes: x, y `[rows, cols]`. Order of sums: columns ascending. Numerics: the largest element of a row has
//! exp(0) = 1, so that the sum is at least 1 and nothing overflows.

use super::log_sum::{BELOW_TINY, LogSum, share};
use crate::kernels::bound::{self, DIV, EXP, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many elements a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 16 * 1024;

fn softmax_row<T: Scalar>(y: &mut [T], x: &[T]) {
    let largest = x.iter().copied().fold(T::neg_infinity(), T::max);
    let mut sum = T::zero();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - largest).exp_safe();
        sum += *y;
    }
    for y in y {
        *y /= sum;
    }
}

/// The CPU kernel.
pub fn softmax<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    if cols == 0 {
        return;
    }
    if y.len() < PARALLEL_FROM {
        y.chunks_mut(cols).zip(x.chunks(cols)).for_each(|(y, x)| softmax_row(y, x));
    } else {
        y.par_chunks_mut(cols).zip(x.par_chunks(cols)).for_each(|(y, x)| softmax_row(y, x));
    }
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let (x, p) = (&call.inputs[0], &call.after[0]);
    let rows = x.value.chunks(cols).zip(x.error.chunks(cols)).zip(p.chunks(cols));
    vec![rows.flat_map(|((x, e), p)| row_bound(x, e, p)).collect()]
}

/// Bounds one row with inputs `x`, their errors `e` and the exact result `p`.
///
/// Carried part: p_i = exp(x_i) / sum_k exp(x_k) rises with x_i and falls with the others: both extremes lie at corners of
/// the intervals and are taken exactly. Local part, relative: the rounding of z = x - max shifts the exponent by u|z|, exp;
/// the same in the sum, weighted with p; gamma of the sum; a division.
fn row_bound(x: &[f64], e: &[f64], p: &[f64]) -> Vec<f64> {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let widest = e.iter().copied().fold(0.0, f64::max);
    let term = |i: usize| {
        let reach = e[i] + widest;
        let shift = U * (largest - x[i] + reach);
        if x[i] - largest + reach + shift < BELOW_TINY { 0.0 } else { EXP + shift.exp_m1() }
    };
    // Weights of terms may themselves have moved by the carried error.
    let mean: f64 = (0..x.len()).map(|i| p[i] * term(i)).sum::<f64>() * (2.0 * widest).exp();
    let sum = mean + bound::gamma(x.len()) + x.len() as f64 * TINY;
    let low = LogSum::of(x.iter().zip(e).map(|(x, e)| x - e));
    let high = LogSum::of(x.iter().zip(e).map(|(x, e)| x + e));
    let rule = |i: usize| {
        let (down, up) = (x[i] - e[i], x[i] + e[i]);
        let rise = share(up, low.without(i, down)) - p[i];
        let fall = p[i] - share(down, high.without(i, up));
        let carried = if widest == 0.0 { 0.0 } else { rise.max(fall).clamp(0.0, 1.0) };
        let relative = term(i) + sum + DIV;
        let local = if relative < 1.0 { relative / (1.0 - relative) * (p[i] + carried) } else { f64::INFINITY };
        // However far the inputs are off, the computed sum is at least each of its terms: a rounded sum of numbers that
        // are not negative does not fall. Two numbers between 0 and 1 (give or take a division) are at most that apart.
        (carried + local + 2.0 * TINY).min(1.0 + DIV)
    };
    (0..x.len()).map(rule).collect()
}
