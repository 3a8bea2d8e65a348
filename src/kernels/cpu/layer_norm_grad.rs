//! layer_norm_grad: with g_ij = weight_j dy_ij and xhat of layer_norm, dx_ij = rstd_i ((g_ij - mean_i(g)) - xhat_ij mean_i(g xhat));
//! each_ij = dy_ij xhat_ij. Twin of `shaders/layer_norm_grad.wgsl`.
//!
//! Shapes: dy, x, dx, each `[rows, cols]`, weight `[cols]`. Order of sums: as in the shader for the same LANES. Numerics: as
//! `layer_norm.rs`.

use super::layer_norm::{carried_row, row_moments, rows_of_chunk};
use crate::kernels::loss::rows::{lanes, row_sum, row_sum_depth};
use super::moments::{mean, moments, rstd};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// The CPU kernel.
pub fn layer_norm_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols] = call.args.sizes();
    let (lanes, eps) = (lanes(call.args), T::of(call.args.number(2)));
    let (dy, x, weight) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let [dx, each] = call.outputs();
    let chunk = rows_of_chunk(rows, cols) * cols;
    let inputs = dy.par_chunks(chunk).zip(x.par_chunks(chunk));
    let outputs = dx.par_chunks_mut(chunk).zip(each.par_chunks_mut(chunk));
    outputs.zip(inputs).for_each(|((dx, each), (dy, x))| {
        let inputs = dy.chunks(cols).zip(x.chunks(cols));
        for ((dx, each), (dy, x)) in dx.chunks_mut(cols).zip(each.chunks_mut(cols)).zip(inputs) {
            row(dx, each, (dy, x, weight), lanes, eps);
        }
    });
}

fn row<T: Scalar>(dx: &mut [T], each: &mut [T], (dy, x, weight): (&[T], &[T], &[T]), lanes: usize, eps: T) {
    let cols = x.len();
    let (mean, rstd) = row_moments(x, lanes, eps);
    let xhat = |j: usize| (x[j] - mean) * rstd;
    let sum = |term: &dyn Fn(usize) -> T| {
        row_sum(cols, lanes, |from, terms| terms.iter_mut().enumerate().for_each(|(k, t)| *t = term(from + k)))
    };
    let count = T::of(cols as f64);
    let mean_g = sum(&|j| weight[j] * dy[j]) / count;
    let mean_product = sum(&|j| weight[j] * dy[j] * xhat(j)) / count;
    for j in 0..cols {
        dx[j] = rstd * ((weight[j] * dy[j] - mean_g) - xhat(j) * mean_product);
        each[j] = dy[j] * xhat(j);
    }
}

/// The error bound: the formula over values that carry errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let (depth, eps) = (row_sum_depth(cols, call.args), call.args.number(2));
    let weight = carried_row(&call.inputs[2], 0, cols);
    let (mut dx, mut each) = (Vec::with_capacity(rows * cols), Vec::with_capacity(rows * cols));
    for i in 0..rows {
        let (dy, x) = (carried_row(&call.inputs[0], i, cols), carried_row(&call.inputs[1], i, cols));
        let (mean_x, variance) = moments(x.iter().copied(), depth, cols);
        let rstd = rstd(variance, eps);
        let xhat = |j: usize| (x[j] - mean_x) * rstd;
        let g = |j: usize| weight[j] * dy[j];
        let mean_g = mean((0..cols).map(g), depth, cols);
        let mean_product = mean((0..cols).map(|j| g(j) * xhat(j)), depth, cols);
        dx.extend((0..cols).map(|j| (rstd * ((g(j) - mean_g) - xhat(j) * mean_product)).error));
        each.extend((0..cols).map(|j| (dy[j] * xhat(j)).error));
    }
    vec![dx, each]
}
