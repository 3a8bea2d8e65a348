//! rmsprop_centered_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; m = alpha m + (1 - alpha) g';
//! v = momentum v + g' / (sqrt(max(s - m^2, 0)) + eps); p = p - lr * v. Twin of `shaders/rmsprop_centered_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: s - m^2 is a variance; where rounding makes it negative it counts as 0.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient;
use super::rmsprop_step::Rates;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn rmsprop_centered_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let Hyper { lr, momentum, .. } = Hyper::of(call);
    let rates = Rates::of(call.args, T::of);
    let [eps, weight_decay] = [4, 5].map(|i| T::of(call.args.number(i)));
    optimizer::each(call, |g, [p, square, velocity, mean]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        let m = rates.alpha * mean + rates.one_minus_alpha * g;
        let difference = s - m * m;
        // As a comparison, which lets NaN through.
        let variance = if difference < T::zero() { T::zero() } else { difference };
        let v = momentum * velocity + g / (variance.sqrt() + eps);
        [p - lr * v, s, v, m]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let Hyper { lr, momentum, .. } = Hyper::of_bound(call);
    let rates = Rates::of(call.args, Carried::rounded);
    let [eps, weight_decay] = [4, 5].map(|i| Carried::rounded(call.args.number(i)));
    let one = Carried::new(1.0, 0.0);
    optimizer::bound_each(call, |g, [p, square, velocity, mean]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        let m = rates.alpha * mean + rates.one_minus_alpha * g;
        // The greater of it and 0 is no farther off than itself.
        let difference = s - m * m;
        let variance = Carried { value: difference.value.max(0.0), ..difference };
        let v = momentum * velocity + quotient::over_root(g, variance, one, eps);
        [p - lr * v, s, v, m]
    })
}
