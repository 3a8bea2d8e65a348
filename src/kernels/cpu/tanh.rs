//! tanh: y = tanh(x). Twin of `shaders/tanh.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: full relative precision near 0.

use super::elementwise;
use crate::kernels::bound::{self, TANH};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x.tanh_safe()
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: monotone. Local part: TANH, relative.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::monotone(value, x, e);
    carried + TANH * (value(x).abs() + carried) + bound::TINY
}

/// The CPU kernel.
pub fn tanh<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
