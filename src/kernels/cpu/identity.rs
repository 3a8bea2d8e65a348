//! identity: y = x. Twin of `shaders/identity.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: a copy; exact.

use super::elementwise;
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x
}

/// Bound on the error of the computed value for an input that carries error `e`: the same.
pub fn value_error(_x: f64, e: f64) -> f64 {
    e
}

/// The CPU kernel.
pub fn identity<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
