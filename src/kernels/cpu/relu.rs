//! relu: y = max(x, 0). Twin of `shaders/relu.wgsl`.
//!
//! Shapes: x, y `[n]`. Numerics: exact; NaN passes, so that a diverging run is seen.

use super::elementwise;
use crate::kernels::bound::{self, TINY};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The scalar function.
#[inline(always)]
pub fn value<T: Scalar>(x: T) -> T {
    if x <= T::zero() { T::zero() } else { x }
}

/// Bound on the error of the computed value for an input that carries error `e`.
///
/// Slope 1 at most, 0 where x is surely negative. A denormal may be flushed.
pub fn value_error(x: f64, e: f64) -> f64 {
    let carried = if x <= 0.0 { (x + e).max(0.0) } else { e };
    let flushed = if x > 0.0 && x - e < TINY { TINY } else { 0.0 };
    carried + flushed
}

/// The CPU kernel.
pub fn relu<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::map(call, value);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map(&call.inputs[0], value_error)]
}
