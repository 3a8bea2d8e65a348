//! silu_grad: dx = dy * s(x) * (1 + x s(-x)), with s the sigmoid. Twin of `shaders/silu_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: s(-x) is computed as such, not as 1 - s(x). Near the zero of the derivative,
//! -1.2785, the error is absolute.

use super::{elementwise, sigmoid};
use crate::kernels::bound::{self, SIGMOID, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    let e = (-x.abs()).exp_safe();
    let d = T::one() + e;
    let (large, small) = (T::one() / d, e / d);
    let (above, below) = if x >= T::zero() { (large, small) } else { (small, large) };
    above * (T::one() + x * below)
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// Carried part: f'' = s' (2 + x (1 - 2s)), at most 1/2; the third derivative is at most 0.31 (maximum 0.3082 at 1.04).
/// Local part: the terms a = s(x) and b = |x| s(x) s(-x) carry one and two sigmoids and up to four roundings; the slope
/// of a + b is at most 1/2.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    let (above, below): (f64, f64) = (sigmoid::value(x), sigmoid::value(-x));
    let carried = bound::smooth(above * below * (2.0 + x * (below - above)), 0.5, 0.31, e);
    let (a, b) = (above, x.abs() * above * below);
    let local = (SIGMOID + 2.01 * U) * (a + 0.5 * e) + (2.0 * SIGMOID + 4.01 * U) * (b + 0.5 * e);
    carried + local + 2.0 * TINY * (1.0 + x.abs() + e)
}

/// The CPU kernel.
pub fn silu_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
