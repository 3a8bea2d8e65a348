//! leaky_relu: y = x for x > 0, slope * x otherwise. Twin of `shaders/leaky_relu.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: at most one rounding; NaN passes.

use super::elementwise;
use crate::kernels::bound::{self, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T, slope: T) -> T {
    if x <= T::zero() { slope * x } else { x }
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Carried part: the function has slope 1 or `slope` on either side of 0, and at most the larger across it. Local
/// part, where x may be negative: the rounding of `slope` to f32 and of the product; denormals may be flushed.
pub fn value_error(x: f64, e: f64, slope: f64) -> f64 {
    if x > 0.0 && x - e >= TINY {
        return e;
    }
    let steepest = if x + e <= 0.0 { slope.abs() } else { slope.abs().max(1.0) };
    let reach = x.abs() + e;
    steepest * e + 2.01 * U * slope.abs() * reach + TINY * (2.0 + reach)
}

/// The CPU kernel.
pub fn leaky_relu<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let slope = T::of(call.args.number(1));
    elementwise::map(call, |x| value(x, slope));
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let slope = call.args.number(1);
    vec![bound::map(&call.inputs[0], |x, e| value_error(x, e, slope))]
}
