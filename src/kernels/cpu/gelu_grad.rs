//! gelu_grad: dx = dy * (Phi(x) + x phi(x)), phi the standard normal density. Twin of `shaders/gelu_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: Phi as in gelu; in the negative tail x phi(x)
//! outweighs Phi(x) by x^2, so that nothing cancels. Near the zero of the derivative, -0.7518, the error is absolute.

use super::elementwise;
use super::gelu::{normal_cdf, normal_density};
use crate::kernels::bound::{self, NORMAL_TAIL, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    x.gelu_derivative()
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// Carried part: f'' = phi(x) (2 - x^2), at most 0.8; the third derivative is phi(x) (x^3 - 4x), at most 0.78 (at
/// 0.80). Local part: with t = |x|, the terms Phi(-t) and t phi(t) have relative errors below NORMAL_TAIL, and the
/// slope of their sum is t^2 phi(t) < 0.3; then two roundings of the result.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    let t = x.abs();
    let carried = bound::smooth(normal_density(x) * (2.0 - x * x), 0.8, 0.78, e);
    let tail = normal_cdf(-t) + t * normal_density(t) + 0.3 * e;
    let exact: f64 = derivative(x);
    carried + NORMAL_TAIL * tail + 2.01 * U * (exact.abs() + carried) + TINY * (1.0 + t + e)
}

/// The CPU kernel.
pub fn gelu_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
