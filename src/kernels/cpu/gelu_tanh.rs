//! gelu_tanh: y = x/2 * (1 + tanh(w)) = x * sigmoid(2w), w = sqrt(2/pi) (x + 0.044715 x^3). Twin of
//! `shaders/gelu_tanh.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: by sigmoid, because 1 + tanh cancels on the negative side. The relative error grows
//! there with |2w|, the argument of the exponential.

use super::{elementwise, gelu_tanh_grad, sigmoid};
use crate::kernels::bound::{self, SIGMOID, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// 2 sqrt(2/pi).
pub const LINEAR: f64 = 1.595_769_121_605_730_7;
/// 0.044715, the constant of the original paper.
pub const CUBIC: f64 = 0.044_715;

/// The input as the argument sees it: clamped so that the cube stays finite; at 40 the sigmoid is saturated.
#[inline(always)]
pub fn clamped<T: Scalar>(x: T) -> T {
    x.max(T::of(-40.0)).min(T::of(40.0))
}

/// 2w, the argument of the sigmoid.
#[inline(always)]
pub fn argument<T: Scalar>(x: T) -> T {
    let t = clamped(x);
    t * (t * t * T::of(LINEAR * CUBIC) + T::of(LINEAR))
}

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    x * sigmoid::value(argument(x))
}

/// Bound on the error of the computed argument for inputs within `e` of `x`: two constants, three products and a sum,
/// none of which cancels.
pub fn argument_error(x: f64, e: f64) -> f64 {
    bound::gamma(6) * argument(x.abs() + e) + TINY
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: |f'| <= 1.13 and |f''| <= 0.8 (maxima 1.1290 at 1.42 and 0.7979 at 0, found numerically). Local part,
/// relative: an error d of the argument v changes sigmoid(v) by the factor exp(d sigmoid(-v)) at most, to first order;
/// sigmoid; a product.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = bound::smooth(gelu_tanh_grad::derivative(x), 1.13, 0.8, e);
    let shifted = (1.01 * argument_error(x, e) * sigmoid::value(-argument(x - e))).exp_m1();
    carried + (SIGMOID + 1.01 * U + shifted) * (value(x).abs() + carried) + TINY * (1.0 + x.abs() + e)
}

/// The CPU kernel.
pub fn gelu_tanh<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
