//! batch_moments: mean and variance of each column of x over the first count rows, and the running statistics moved towards them.
//! Twin of `shaders/batch_moments.wgsl`.
//!
//! Shapes: x `[rows, cols]`, count `[steps]`; mean, variance, running_mean, running_var `[cols]`, counted `[1]`. Order of sums: rising
//! row. Numerics: the variance in two passes; a batch of one row leaves running_var as it is.

use super::carried::Carried;
use super::moments::moments;
use crate::kernels::definition::{BoundCall, Call, Out};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn batch_moments<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (momentum, rest) = (T::of(call.args.number(2)), T::of(call.args.number(3)));
    let n = call.inputs[1].u()[call.inputs[0].u()[0] as usize] as usize;
    let x = &call.inputs[2].f()[..n * cols];
    let [Out::F(mean), Out::F(variance), Out::U(counted), Out::F(running_mean), Out::F(running_var)] =
        &mut *call.outputs
    else {
        unreachable!("the row writes four vectors and a count")
    };
    let count = T::of(n as f64);
    mean.fill(T::zero());
    variance.fill(T::zero());
    // Row by row, because the columns of a row are neighbours; each column still adds its rows in rising order.
    for row in x.chunks(cols) {
        mean.iter_mut().zip(row).for_each(|(m, &x)| *m += x);
    }
    mean.iter_mut().for_each(|m| *m /= count);
    for row in x.chunks(cols) {
        for ((v, &m), &x) in variance.iter_mut().zip(mean.iter()).zip(row) {
            *v += (x - m) * (x - m);
        }
    }
    for (running, &m) in running_mean.iter_mut().zip(mean.iter()) {
        *running = rest * *running + momentum * m;
    }
    if n > 1 {
        for (running, &v) in running_var.iter_mut().zip(variance.iter()) {
            *running = rest * *running + momentum * (v / T::of((n - 1) as f64));
        }
    }
    variance.iter_mut().for_each(|v| *v /= count);
    counted[0] = n as u32;
}

/// The error bound: the formula over values that carry errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let [momentum, rest] = [2, 3].map(|i| Carried::rounded(call.args.number(i)));
    let n = call.inputs[1].value[call.inputs[0].value[0] as usize] as usize;
    let x = |i: usize| Carried::input(&call.inputs[2], i);
    let mut errors = vec![Vec::with_capacity(cols), Vec::with_capacity(cols), vec![0.0], Vec::new(), Vec::new()];
    for col in 0..cols {
        let (mean, variance) = moments((0..n).map(|row| x(row * cols + col)), n, n);
        errors[0].push(mean.error);
        errors[1].push(variance.error);
        let running = |i: usize| rest * Carried::input(&call.before[i], col);
        errors[3].push((running(3) + momentum * mean).error);
        errors[4].push(if n > 1 {
            // A division by n - 1 instead of n of the same sum: as good relatively.
            let ratio = n as f64 / (n - 1) as f64;
            (running(4) + momentum * Carried::new(ratio * variance.value, ratio * variance.error)).error
        } else {
            call.before[4].error[col]
        });
    }
    errors
}
