//! half_squared_error: loss_i = sum_j (t_ij - y_ij)^2 / 2; dpred_ij = upstream_i * (y_ij - t_ij).
//! Twin of `shaders/half_squared_error.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: one rounding for the difference, which the square
//! doubles.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(y: T, t: T) -> Element<T> {
    let d = y - t;
    Element { loss: T::of(0.5) * d * d, slope: d }
}

/// The same with errors: a difference, and a product with itself.
fn element_error(y: Carried, t: Carried) -> Element<Carried> {
    let d = y - t;
    Element { loss: Carried::new(0.5, 0.0) * (d * d), slope: d }
}

/// The CPU kernel.
pub fn half_squared_error<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Sum, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Sum, element_error)
}
