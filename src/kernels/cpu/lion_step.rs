//! lion_step: p = p * (1 - lr * weight_decay) - lr * sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g. Twin of
//! `shaders/lion_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`, whose momentum is beta1. Numerics: sign(0) is 0; where rounding may decide the sign, the bound allows any.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// beta2, 1 - beta2 and the weight decay of a call, each through `of`.
fn rates<T>(args: &Args, of: impl Fn(f64) -> T) -> [T; 3] {
    std::array::from_fn(|k| of(args.number(2 + k)))
}

/// The CPU kernel.
pub fn lion_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let Hyper { lr, momentum: beta1, one_minus_momentum: one_minus_beta1, .. } = Hyper::of(call);
    let [beta2, one_minus_beta2, weight_decay] = rates(call.args, T::of);
    let shrink = T::one() - lr * weight_decay;
    optimizer::each(call, |g, [p, m]| {
        let direction = beta1 * m + one_minus_beta1 * g;
        // signum would give 0 a sign; what is no number stays what it is.
        let sign = if direction > T::zero() {
            T::one()
        } else if direction < T::zero() {
            -T::one()
        } else {
            direction
        };
        [p * shrink - lr * sign, beta2 * m + one_minus_beta2 * g]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let Hyper { lr, momentum: beta1, one_minus_momentum: one_minus_beta1, .. } = Hyper::of_bound(call);
    let [beta2, one_minus_beta2, weight_decay] = rates(call.args, Carried::rounded);
    let shrink = Carried::new(1.0, 0.0) - lr * weight_decay;
    optimizer::bound_each(call, |g, [p, m]| {
        let direction = beta1 * m + one_minus_beta1 * g;
        let value = if direction.value == 0.0 { 0.0 } else { direction.value.signum() };
        let sure = direction.value.abs() > direction.error || direction.error == 0.0;
        let sign = Carried::new(value, if sure { 0.0 } else { 1.0 + value.abs() });
        [p * shrink - lr * sign, beta2 * m + one_minus_beta2 * g]
    })
}
