//! mse: loss_i = mean_j (y_ij - t_ij)^2; dpred_ij = upstream_i / cols * 2 (y_ij - t_ij).
//! Twin of `shaders/mse.wgsl`.
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
    Element { loss: d * d, slope: T::of(2.0) * d }
}

/// The same with errors: a difference, and a product with itself.
fn element_error(y: Carried, t: Carried) -> Element<Carried> {
    let d = y - t;
    Element { loss: d * d, slope: Carried::new(2.0 * d.value, 2.0 * d.error) }
}

/// The CPU kernel.
pub fn mse<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Mean, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Mean, element_error)
}
