//! adagrad_step: g' = g + weight_decay * p; s = s + g'^2; p = p - step_size * g' / (sqrt(s) + eps). Twin of
//! `shaders/adagrad_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: step_size, lr / (1 + t lr_decay), comes from the host.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn adagrad_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let step_size = Hyper::of(call).step_size;
    let [eps, weight_decay] = [2, 3].map(|i| T::of(call.args.number(i)));
    optimizer::each(call, |g, [p, sum]| {
        let g = g + weight_decay * p;
        let s = sum + g * g;
        [p - step_size * (g / (s.sqrt() + eps)), s]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let step_size = Hyper::of_bound(call).step_size;
    let [eps, weight_decay] = [2, 3].map(|i| Carried::rounded(call.args.number(i)));
    optimizer::bound_each(call, |g, [p, sum]| {
        let g = g + weight_decay * p;
        let s = sum + g * g;
        [p - step_size * quotient::of_own_square(g, s, Carried::new(1.0, 0.0), eps), s]
    })
}
