//! gelu_tanh_grad: dx = dy * (s + x v' s (1 - s)), s = sigmoid(v), v = 2 sqrt(2/pi) (x + 0.044715 x^3). Twin of
//! `shaders/gelu_tanh_grad.wgsl`.
//!
//! Shapes: dy, x, dx `[n]`. Numerics: s (1 - s) as s'(v), without cancellation; clamped as gelu_tanh.

use super::gelu_tanh::{CUBIC, LINEAR, argument, argument_error, clamped};
use super::{elementwise, sigmoid, sigmoid_grad};
use crate::kernels::bound::{self, SIGMOID, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// v'(x), the slope of the sigmoid's argument.
#[inline(always)]
fn argument_slope<T: Scalar>(x: T) -> T {
    let t = clamped(x);
    t * t * T::of(3.0 * LINEAR * CUBIC) + T::of(LINEAR)
}

/// The derivative.
#[inline(always)]
pub fn derivative<T: Scalar>(x: T) -> T {
    if x.is_nan() {
        return x;
    }
    let v = argument(x);
    sigmoid::value(v) + clamped(x) * argument_slope(x) * sigmoid_grad::derivative(v)
}

/// The second derivative: s' (2v' + x v'') + x v'^2 s'', with s'' = s' (1 - 2s).
fn second_derivative(x: f64) -> f64 {
    let (v, slope, t) = (argument(x), argument_slope(x), clamped(x));
    let ds = sigmoid_grad::derivative(v);
    let curvature = 6.0 * LINEAR * CUBIC * t;
    let odd = sigmoid::value(-v) - sigmoid::value(v);
    ds * (2.0 * slope + t * curvature + t * slope * slope * odd)
}

/// Bound on the error of the computed derivative for an input that carries error `e`.
///
/// Carried part: |f''| <= 0.8 and the third derivative is at most 0.78 (maxima 0.7979 at 0 and 0.7767 at 0.78, found
/// numerically). Local part: an error d of v changes the terms a = s and b = |x| v' s' by the factor exp(d) at most;
/// sigmoid twice, eight roundings. a + b has a slope below 0.8.
pub fn derivative_error(x: f64, e: f64) -> f64 {
    let v = argument(x);
    let carried = bound::smooth(second_derivative(x), 0.8, 0.78, e);
    let a: f64 = sigmoid::value(v);
    let b = clamped(x).abs() * argument_slope(x) * sigmoid_grad::derivative(v);
    let relative = 2.0 * SIGMOID + bound::gamma(8) + argument_error(x, e).exp_m1();
    let reach = clamped(x.abs() + e);
    carried + relative * (a + b + 0.8 * e) + U * carried + TINY * (2.0 + reach * argument_slope(reach))
}

/// The CPU kernel.
pub fn gelu_tanh_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::product(call, derivative);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let rule = |dy: f64, e: f64, x: f64, ex: f64| bound::product(dy, e, derivative(x), derivative_error(x, ex));
    vec![bound::map2(&call.inputs[0], &call.inputs[1], rule)]
}
