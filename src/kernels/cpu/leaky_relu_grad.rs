//! leaky_relu_grad: dx = dy for x > 0, slope * dy otherwise. Twin of `shaders/leaky_relu_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: one rounding; the derivative at 0 is `slope`. For slope >= 0, x may as well be
//! the output, which has the same sign.

use super::{elementwise, relu_grad};
use crate::kernels::bound::{self, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T, slope: T) -> T {
    if x > T::zero() { T::one() } else { slope }
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// The rounding of `slope` to f32, and |1 - slope| where the side of the kink is uncertain.
pub fn derivative_error(x: f64, e: f64, slope: f64) -> f64 {
    let rounded = U * slope.abs() + TINY;
    if relu_grad::may_flip(x, e) {
        (1.0 - slope).abs() + rounded
    } else if x > 0.0 {
        0.0
    } else {
        rounded
    }
}

/// The CPU kernel.
pub fn leaky_relu_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let slope = T::of(call.args.number(1));
    elementwise::product(call, |x| derivative(x, slope));
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let slope = call.args.number(1);
    let rule =
        |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x, slope), derivative_error(x, ex, slope));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
