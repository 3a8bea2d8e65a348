//! sgd_momentum_step: d = g + weight_decay * p; v = momentum * v + d; p = p - lr * v, with Nesterov's look-ahead
//! p = p - lr * (d + momentum * v). Twin of `shaders/sgd_momentum_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: each operation rounds once. The velocity starts at 0.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn sgd_momentum_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let Hyper { lr, momentum, .. } = Hyper::of(call);
    let (nesterov, weight_decay) = (call.args.size(2) != 0, T::of(call.args.number(3)));
    optimizer::each(call, |g, [p, velocity]| {
        let d = g + weight_decay * p;
        let v = momentum * velocity + d;
        [p - lr * if nesterov { d + momentum * v } else { v }, v]
    });
}

/// The error bound: the formula over values with errors; lr, momentum and weight_decay are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let Hyper { lr, momentum, .. } = Hyper::of_bound(call);
    let (nesterov, weight_decay) = (call.args.size(2) != 0, Carried::rounded(call.args.number(3)));
    optimizer::bound_each(call, |g, [p, velocity]| {
        let d = g + weight_decay * p;
        let v = momentum * velocity + d;
        [p - lr * if nesterov { d + momentum * v } else { v }, v]
    })
}
