//! rmsprop_momentum_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2;
//! v = momentum v + g' / (sqrt(s) + eps); p = p - lr * v. Twin of `shaders/rmsprop_momentum_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: 1 - alpha comes from the host, where it does not cancel.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient;
use super::rmsprop_step::Rates;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn rmsprop_momentum_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let Hyper { lr, momentum, .. } = Hyper::of(call);
    let rates = Rates::of(call.args, T::of);
    let [eps, weight_decay] = [4, 5].map(|i| T::of(call.args.number(i)));
    optimizer::each(call, |g, [p, square, velocity]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        let v = momentum * velocity + g / (s.sqrt() + eps);
        [p - lr * v, s, v]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let Hyper { lr, momentum, .. } = Hyper::of_bound(call);
    let rates = Rates::of(call.args, Carried::rounded);
    let [eps, weight_decay] = [4, 5].map(|i| Carried::rounded(call.args.number(i)));
    optimizer::bound_each(call, |g, [p, square, velocity]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        let v = momentum * velocity + quotient::of_own_square(g, s, rates.one_minus_alpha, eps);
        [p - lr * v, s, v]
    })
}
