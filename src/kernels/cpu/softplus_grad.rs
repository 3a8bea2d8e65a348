//! softplus_grad: dx = dy * s(x), with s the sigmoid. Twin of `shaders/softplus_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: as sigmoid.

use super::{elementwise, sigmoid};
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    sigmoid::value(x)
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    sigmoid::value_error(x, e)
}

/// The CPU kernel.
pub fn softplus_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
