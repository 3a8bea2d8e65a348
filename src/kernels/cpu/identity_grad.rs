//! identity_grad: dx = dy. Twin of `shaders/identity_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: a copy; exact. x is bound for the sake of one form for all gradients.

use super::elementwise;
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(_x: T) -> T {
    T::one()
}

/// Bound on the error of the computed derivative: none, wherever x lies.
pub fn derivative_error(_x: f64, _e: f64) -> f64 {
    0.0
}

/// The CPU kernel.
pub fn identity_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], |_dy, e| e)]
}
