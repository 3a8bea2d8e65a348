//! batch_norm_grad: dx_ij = weight_j rstd_j ((dy_ij - mean_j(dy)) - xhat_ij mean_j(dy xhat)) over the first counted rows, the means 0
//! where mean and variance are constants; each_ij = dy_ij xhat_ij. Twin of `shaders/batch_norm_grad.wgsl`.
//!
//! Shapes: dy, x, dx, each `[rows, cols]`; mean, variance, weight `[cols]`; counted `[1]`. Order of sums: rising row. Numerics: as
//! `batch_norm.rs`; rows that fill a batch up leave 0.

use super::carried::Carried;
use super::layer_norm::carried_row;
use super::moments::{mean as mean_of, rstd};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn batch_norm_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols] = call.args.sizes();
    let eps = T::of(call.args.number(2));
    let batch = call.args.constant("BATCH") != 0.0;
    let [dy, x, mean, variance] = std::array::from_fn(|i| call.inputs[i].f());
    let n = if batch { call.inputs[4].u()[0] as usize } else { rows };
    let weight = call.inputs[5].f();
    let [dx, each] = call.outputs();
    let rstd: Vec<T> = variance.iter().map(|&v| T::one() / (v + eps).sqrt()).collect();
    let (mut mean_dy, mut mean_product) = (vec![T::zero(); cols], vec![T::zero(); cols]);
    if batch {
        for (dy, x) in dy.chunks(cols).zip(x.chunks(cols)).take(n) {
            for j in 0..cols {
                mean_dy[j] += dy[j];
                mean_product[j] += dy[j] * ((x[j] - mean[j]) * rstd[j]);
            }
        }
        let count = T::of(n as f64);
        mean_dy.iter_mut().chain(&mut mean_product).for_each(|m| *m /= count);
    }
    dx[n * cols..].fill(T::zero());
    each[n * cols..].fill(T::zero());
    let inputs = dy.chunks(cols).zip(x.chunks(cols)).take(n);
    for ((dx, each), (dy, x)) in dx.chunks_mut(cols).zip(each.chunks_mut(cols)).zip(inputs) {
        for j in 0..cols {
            let xhat = (x[j] - mean[j]) * rstd[j];
            // No product with a mean of 0, which would make NaN of an infinity.
            let inner = if batch { (dy[j] - mean_dy[j]) - xhat * mean_product[j] } else { dy[j] };
            dx[j] = weight[j] * rstd[j] * inner;
            each[j] = dy[j] * xhat;
        }
    }
}

/// The error bound: the formula over values that carry errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let eps = call.args.number(2);
    let batch = call.args.constant("BATCH") != 0.0;
    let n = if batch { call.inputs[4].value[0] as usize } else { rows };
    let [mean, variance, weight]: [Vec<Carried>; 3] = [2, 3, 5].map(|i| carried_row(&call.inputs[i], 0, cols));
    let (mut dx, mut each) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
    for j in 0..cols {
        let rstd = rstd(variance[j], eps);
        let dy = |row: usize| Carried::input(&call.inputs[0], row * cols + j);
        let xhat = |row: usize| (Carried::input(&call.inputs[1], row * cols + j) - mean[j]) * rstd;
        let means =
            batch.then(|| (mean_of((0..n).map(dy), n, n), mean_of((0..n).map(|row| dy(row) * xhat(row)), n, n)));
        for row in 0..n {
            let inner = match means {
                Some((mean_dy, mean_product)) => (dy(row) - mean_dy) - xhat(row) * mean_product,
                None => dy(row),
            };
            dx[row * cols + j] = (weight[j] * rstd * inner).error;
            each[row * cols + j] = (dy(row) * xhat(row)).error;
        }
    }
    vec![dx, each]
}
