//! tanh_grad: dx = dy * 4e / (1 + e)^2, e = exp(-2|x|). Twin of `shaders/tanh_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: from the pre-activation, because 1 - y^2 loses all digits where y rounds to 1.

use super::elementwise;
use crate::kernels::bound::{self, DIV, EXP, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative 1 - tanh(x)^2.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    let e = (T::of(-2.0) * x.abs()).exp_safe();
    let d = T::one() + e;
    T::of(4.0) * e / (d * d)
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// Carried part: f'' = -2 tanh(x) f', at most 4 / (3 sqrt 3) < 0.77; the third derivative is at most 2, at 0. Local
/// part, relative: exp above, and twice at half weight below; a sum twice; a square; a division.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    let exact = derivative(x);
    let carried = bound::smooth(2.0 * x.tanh() * exact, 0.77, 2.0, e);
    carried + (2.0 * EXP + DIV + 4.0 * U) * (exact + carried) + 4.0 * bound::TINY
}

/// The CPU kernel.
pub fn tanh_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
