//! softplus: y = log(1 + exp(x)). Twin of `shaders/softplus.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: as max(x, 0) + log1p(exp(-|x|)): no overflow, and the negative tail keeps its relative
//! precision.

use super::elementwise;
use crate::kernels::bound::{self, EXP, LOG, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x.max(T::zero()) + (-x.abs()).exp_safe().log1p_safe()
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: monotone. Local part: log1p of exp, relative to that term; its slope is at most 1/2. Then one sum.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::monotone(value, x, e);
    let correction = value(-x.abs()) + carried;
    carried + 1.01 * (EXP + LOG) * correction + U * (value(x) + carried) + 2.0 * TINY
}

/// The CPU kernel.
pub fn softplus<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
