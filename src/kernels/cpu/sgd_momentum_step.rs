//! sgd_momentum_step: d = g + weight_decay * p; v = momentum * v + d; p = p - lr * v, with Nesterov's look-ahead
//! p = p - lr * (d + momentum * v). Twin of `shaders/sgd_momentum_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: each operation rounds once. The velocity starts at 0.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use crate::kernels::row::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn sgd_momentum_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let lr = Hyper::of(call).lr;
    let (momentum, nesterov) = (T::of(call.args.number(2)), call.args.size(3) != 0);
    let weight_decay = T::of(call.args.number(4));
    optimizer::each(call, |g, [p, velocity]| {
        let d = g + weight_decay * p;
        let v = momentum * velocity + d;
        [p - lr * if nesterov { d + momentum * v } else { v }, v]
    });
}

/// The error bound: the formula over values with errors; lr, momentum and weight_decay are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let lr = Hyper::of_bound(call).lr;
    let (momentum, nesterov) = (Carried::rounded(call.args.number(2)), call.args.size(3) != 0);
    let weight_decay = Carried::rounded(call.args.number(4));
    optimizer::bound_each(call, |g, [p, velocity]| {
        let d = g + weight_decay * p;
        let v = momentum * velocity + d;
        [p - lr * if nesterov { d + momentum * v } else { v }, v]
    })
}
