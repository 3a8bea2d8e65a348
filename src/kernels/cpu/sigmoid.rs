//! sigmoid: y = 1 / (1 + exp(-x)). Twin of `shaders/sigmoid.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: by sign, so that exp never overflows and both tails keep full relative precision.

use super::elementwise;
use crate::kernels::bound::{self, SIGMOID};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    let e = (-x.abs()).exp_safe();
    let above = if x >= T::zero() { T::one() } else { e };
    above / (T::one() + e)
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: monotone. Local part, relative: exp, a sum, a division.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::monotone(value, x, e);
    carried + SIGMOID * (value(x) + carried) + bound::TINY
}

/// The CPU kernel.
pub fn sigmoid<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
