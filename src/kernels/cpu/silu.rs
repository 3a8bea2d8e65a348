//! silu: y = x * s(x), with s the sigmoid. Twin of `shaders/silu.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: as sigmoid; the negative tail keeps its relative precision.

use super::{elementwise, sigmoid, silu_grad};
use crate::kernels::bound::{self, SIGMOID, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x * sigmoid::value(x)
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: |f'| <= 1.1 (maximum 1.0998 at 2.40), |f''| <= 1/2 (at 0). Local part, relative: sigmoid and a product.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::smooth(silu_grad::derivative(x), 1.1, 0.5, e);
    carried + (SIGMOID + 1.01 * U) * (value(x).abs() + carried) + TINY * (1.0 + x.abs() + e)
}

/// The CPU kernel.
pub fn silu<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
