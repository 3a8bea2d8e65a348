//! gelu: y = x * Phi(x), with Phi the standard normal distribution function. Twin of `shaders/gelu.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: Phi(x) = erfc(-x / sqrt 2) / 2, which keeps the relative precision of the negative
//! tail; in f32 a rational fit of the tail's ratio to the density, because the rounding of x / sqrt 2 alone costs x^2 u.

use super::{elementwise, gelu_grad};
use crate::kernels::bound::{self, NORMAL_TAIL, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// The standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The standard normal density.
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x * x.normal_cdf()
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: |gelu'| <= 1.13 (at sqrt 2), |gelu''| = |phi(x) (2 - x^2)| <= 2 phi(0) < 0.8. Local part: Phi(-|x|)
/// has the relative error NORMAL_TAIL (its slope is below 0.4), 1 - Phi(-|x|) and the product round once each.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::smooth(gelu_grad::derivative(x), 1.13, 0.8, e);
    let reach = x.abs() + e;
    let tail = reach * (normal_cdf(-x.abs()) + 0.4 * e).min(0.5);
    carried + NORMAL_TAIL * tail + 2.01 * U * (value(x).abs() + carried) + TINY * (1.0 + reach)
}

/// The CPU kernel.
pub fn gelu<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
