//! batch_norm: y_ij = (x_ij - mean_j) / sqrt(variance_j + eps) * weight_j + bias_j. Twin of `shaders/batch_norm.wgsl`.
//!
//! Shapes: x, y `[rows, cols]`; mean, variance, weight, bias `[cols]`. No sums.

use super::carried::Carried;
use super::layer_norm::{carried_row, rows_of_chunk};
use super::moments::rstd;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// The CPU kernel.
pub fn batch_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols] = call.args.sizes();
    let eps = T::of(call.args.number(2));
    let [x, mean, variance, weight, bias] = std::array::from_fn(|i| call.inputs[i].f());
    let rstd: Vec<T> = variance.iter().map(|&v| T::one() / (v + eps).sqrt()).collect();
    let [y] = call.outputs();
    let chunk = rows_of_chunk(rows, cols) * cols;
    y.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).for_each(|(y, x)| {
        for (y, x) in y.chunks_mut(cols).zip(x.chunks(cols)) {
            for (j, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = (x - mean[j]) * rstd[j] * weight[j] + bias[j];
            }
        }
    });
}

/// The error bound: the formula over values that carry errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let eps = call.args.number(2);
    let [mean, variance, weight, bias]: [Vec<Carried>; 4] =
        std::array::from_fn(|i| carried_row(&call.inputs[i + 1], 0, cols));
    let rstd: Vec<Carried> = variance.iter().map(|v| rstd(*v, eps)).collect();
    let rule = |i: usize| {
        let j = i % cols;
        ((Carried::input(&call.inputs[0], i) - mean[j]) * rstd[j] * weight[j] + bias[j]).error
    };
    vec![(0..rows * cols).map(rule).collect()]
}
