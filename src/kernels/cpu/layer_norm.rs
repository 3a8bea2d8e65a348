//! layer_norm: y_ij = xhat_ij * weight_j + bias_j, xhat_ij = (x_ij - mean_i) / sqrt(variance_i + eps), over each row. Twin of
//! `shaders/layer_norm.wgsl`.
//!
//! Shapes: x, y `[rows, cols]`, weight, bias `[cols]`. Order of sums: as in the shader for the same LANES. Numerics: the variance in
//! two passes; gamma of a row's sums.

use super::carried::Carried;
use super::elementwise::{CHUNK, PARALLEL_FROM};
use crate::kernels::loss::rows::{lanes, row_sum, row_sum_depth};
use super::moments::{moments, rstd};
use crate::kernels::definition::{BoundCall, Call, Measured};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Mean and 1 / sqrt(variance + eps) of a row.
#[inline(always)]
pub fn row_moments<T: Scalar>(x: &[T], lanes: usize, eps: T) -> (T, T) {
    let count = T::of(x.len() as f64);
    let sum = row_sum(x.len(), lanes, |from, terms| terms.copy_from_slice(&x[from..from + terms.len()]));
    let mean = sum / count;
    let squares = row_sum(x.len(), lanes, |from, terms| {
        for (term, &x) in terms.iter_mut().zip(&x[from..]) {
            *term = (x - mean) * (x - mean);
        }
    });
    (mean, T::one() / (squares / count + eps).sqrt())
}

/// Rows that one thread takes at a time; all of them where a hand-off costs more than it saves.
pub fn rows_of_chunk(rows: usize, cols: usize) -> usize {
    if rows * cols < PARALLEL_FROM { rows.max(1) } else { (CHUNK / cols.max(1)).max(1) }
}

/// The CPU kernel.
pub fn layer_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols] = call.args.sizes();
    let (lanes, eps) = (lanes(call.args), T::of(call.args.number(2)));
    let (x, weight, bias) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let [y] = call.outputs();
    let chunk = rows_of_chunk(rows, cols) * cols;
    y.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).for_each(|(y, x)| {
        for (y, x) in y.chunks_mut(cols).zip(x.chunks(cols)) {
            let (mean, rstd) = row_moments(x, lanes, eps);
            for ((y, &x), (&w, &b)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                *y = (x - mean) * rstd * w + b;
            }
        }
    });
}

/// The elements of row `i`, with errors.
pub fn carried_row(from: &Measured, i: usize, cols: usize) -> Vec<Carried> {
    (i * cols..(i + 1) * cols).map(|k| Carried::input(from, k)).collect()
}

/// The error bound: the formula over values that carry errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let (depth, eps) = (row_sum_depth(cols, call.args), call.args.number(2));
    let (weight, bias) = (carried_row(&call.inputs[1], 0, cols), carried_row(&call.inputs[2], 0, cols));
    let mut y = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let x = carried_row(&call.inputs[0], i, cols);
        let (mean, variance) = moments(x.iter().copied(), depth, cols);
        let rstd = rstd(variance, eps);
        y.extend(x.iter().zip(weight.iter().zip(&bias)).map(|(x, (w, b))| ((*x - mean) * rstd * *w + *b).error));
    }
    vec![y]
}
