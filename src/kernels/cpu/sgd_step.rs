//! sgd_step: d = g + weight_decay * p; p = p - lr * d. Twin of `shaders/sgd_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: each operation rounds once.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn sgd_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let lr = Hyper::of(call).lr;
    let weight_decay = T::of(call.args.number(2));
    optimizer::each(call, |g, [p]| [p - lr * (g + weight_decay * p)]);
}

/// The error bound: the formula over values with errors; lr and weight_decay are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let lr = Hyper::of_bound(call).lr;
    let weight_decay = Carried::rounded(call.args.number(2));
    optimizer::bound_each(call, |g, [p]| [p - lr * (g + weight_decay * p)])
}
