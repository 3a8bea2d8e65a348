//! relu_grad: dx = dy for x > 0, 0 otherwise. Twin of `shaders/relu_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: exact; the derivative at 0 is 0. x may as well be the output, which has the same
//! sign.

use super::elementwise;
use crate::kernels::bound::{self, TINY};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    if x > T::zero() { T::one() } else { T::zero() }
}

/// True where an input that carries error `e`, or is flushed to 0, may fall on the other side of the kink.
pub fn may_flip(x: f64, e: f64) -> bool {
    if x > 0.0 { x - e < TINY } else { x + e > 0.0 }
}

/// Bound on the error of the computed derivative for an input that carries error `e`: 1 where the side is uncertain.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    if may_flip(x, e) { 1.0 } else { 0.0 }
}

/// The CPU kernel.
pub fn relu_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::masked(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
