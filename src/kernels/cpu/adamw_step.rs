//! adamw_step: p = p * (1 - lr * weight_decay), then as adam_step with g' = g: m = beta1 m + (1 - beta1) g;
//! v = beta2 v + (1 - beta2) g^2; p = p - step_size * m / (sqrt(v) * inv_sqrt_bias2 + eps). Twin of
//! `shaders/adamw_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: see `adam_step.rs`.

use super::adam_step::{self, Constants};
use super::carried::Carried;
use super::optimizer::{self, Hyper};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn adamw_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (c, hyper) = (Constants::of(call.args, T::of), Hyper::of(call));
    let shrink = T::one() - hyper.lr * c.weight_decay;
    optimizer::each(call, |g, [p, m, v]| adam_step::update(&c, &hyper, g, [p * shrink, m, v]));
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (c, hyper) = (Constants::of(call.args, Carried::rounded), Hyper::of_bound(call));
    let shrink = Carried::new(1.0, 0.0) - hyper.lr * c.weight_decay;
    optimizer::bound_each(call, |g, [p, m, v]| adam_step::update_error(&c, &hyper, g, [p * shrink, m, v]))
}
