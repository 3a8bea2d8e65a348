//! sigmoid_grad: dx = dy * s(x) * s(-x) = dy * e / (1 + e)^2, e = exp(-|x|), with s the sigmoid. Twin of `shaders/sigmoid_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: from the pre-activation, because y * (1 - y) loses all digits of 1 - y where y
//! rounds to 1.

use super::{elementwise, sigmoid};
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative s'(x).
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    let e = (-x.abs()).exp_safe();
    let d = T::one() + e;
    e / (d * d)
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// s(x) and s(-x) carry their own errors; the product rule joins them. (e / (1 + e)^2 errs less than two sigmoids.) |s''| <= 0.0963 < 0.1 is not needed: the
/// product of two bounded factors is already tight to a factor of two.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    let (a, b) = (sigmoid::value(x), sigmoid::value(-x));
    bound::product(a, sigmoid::value_error(x, e), b, sigmoid::value_error(-x, e))
}

/// The CPU kernel.
pub fn sigmoid_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
