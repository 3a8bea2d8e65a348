//! softmax_grad: dx_ij = p_ij * ((dy_ij - dy_ik) - s_i), s_i = sum_j p_ij (dy_ij - dy_ik), k the first maximum of row i
//! of p. Twin of `shaders/softmax_grad.wgsl`.
//!
//! Shapes: dy, p, dx `[rows, cols]`; p is the output of softmax. Order of sums: columns ascending. Numerics: shifted by
//! dy_ik, the large term of the sum is exactly 0 where the row is saturated.

use crate::kernels::bound::{self, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many elements a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 16 * 1024;

/// The first maximum of a row, 0 where all elements are NaN.
fn first_max<T: Scalar>(p: &[T]) -> usize {
    let mut best = (0, T::neg_infinity());
    for (j, &v) in p.iter().enumerate() {
        if v > best.1 {
            best = (j, v);
        }
    }
    best.0
}

fn softmax_grad_row<T: Scalar>(dx: &mut [T], dy: &[T], p: &[T]) {
    let shift = dy[first_max(p)];
    let mut sum = T::zero();
    for (&dy, &p) in dy.iter().zip(p) {
        sum += p * (dy - shift);
    }
    for ((dx, &dy), &p) in dx.iter_mut().zip(dy).zip(p) {
        *dx = p * ((dy - shift) - sum);
    }
}

/// The CPU kernel.
pub fn softmax_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (dy, p) = (call.inputs[0].f(), call.inputs[1].f());
    let [dx] = call.outputs();
    if cols == 0 {
        return;
    }
    if dx.len() < PARALLEL_FROM {
        let inputs = dy.chunks(cols).zip(p.chunks(cols));
        dx.chunks_mut(cols).zip(inputs).for_each(|(dx, (dy, p))| softmax_grad_row(dx, dy, p));
    } else {
        let inputs = dy.par_chunks(cols).zip(p.par_chunks(cols));
        dx.par_chunks_mut(cols).zip(inputs).for_each(|(dx, (dy, p))| softmax_grad_row(dx, dy, p));
    }
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let (dy, p) = (&call.inputs[0], &call.inputs[1]);
    let dy_rows = dy.value.chunks(cols).zip(dy.error.chunks(cols));
    let p_rows = p.value.chunks(cols).zip(p.error.chunks(cols));
    vec![dy_rows.zip(p_rows).flat_map(|((dy, edy), (p, ep))| row_bound(dy, edy, p, ep)).collect()]
}

/// Bounds one row: values and errors of dy and of p.
///
/// The result does not depend on k as long as p sums to 1, so the analysis may follow any k that the computed p can
/// have its maximum at: `drift` is how far dy_k lies apart among these, 0 where k is certain. Then D_j = dy_j - dy_k
/// carries both errors and a rounding (and is exactly 0 for a certain k), the sum the products' errors and gamma, and
/// the result a difference and a product.
fn row_bound(dy: &[f64], edy: &[f64], p: &[f64], ep: &[f64]) -> Vec<f64> {
    let k = first_max(p);
    let floor = p[k] - ep[k];
    let candidates = || (0..p.len()).filter(|&j| j == k || p[j] + ep[j] >= floor);
    let certain = candidates().nth(1).is_none();
    let drift = candidates().map(|j| (dy[j] - dy[k]).abs()).fold(0.0, f64::max);
    let shift_error = candidates().map(|j| edy[j]).fold(0.0, f64::max);
    let difference = |j: usize| {
        if j == k && certain {
            return (0.0, 0.0);
        }
        let (size, carried) = ((dy[j] - dy[k]).abs() + drift, edy[j] + shift_error);
        (size, carried + U * (size + carried) + TINY)
    };
    let (mut size, mut error) = (0.0, 0.0);
    for j in 0..p.len() {
        let (d, ed) = difference(j);
        size += (p[j] + ep[j]) * (d + ed);
        error += p[j] * ed + ep[j] * d + ep[j] * ed + TINY;
    }
    // The rounding of every product and of every sum.
    let sum_error = error + bound::gamma(p.len() + 1) * size;
    let exact_sum: f64 = (0..p.len()).map(|j| p[j] * (dy[j] - dy[k])).sum();
    let rule = |j: usize| {
        let exact = (dy[j] - dy[k]) - exact_sum;
        let carried = difference(j).1 + sum_error;
        bound::product(p[j], ep[j], exact, carried + U * (exact.abs() + carried) + TINY)
    };
    (0..p.len()).map(rule).collect()
}
