//! mae: loss_i = mean_j |y_ij - t_ij|; dpred_ij = upstream_i / cols * sign(y_ij - t_ij).
//! Twin of `shaders/mae.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: the derivative at the kink y = t is 0; the sign of
//! a rounded difference is exact.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::bound::TINY;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(y: T, t: T) -> Element<T> {
    let d = y - t;
    let zero = T::zero();
    let slope = if d > zero {
        T::one()
    } else if d < zero {
        -T::one()
    } else {
        zero
    };
    Element { loss: d.abs(), slope }
}

/// The same with errors. The sign of the difference is uncertain only where the inputs' errors reach across the kink,
/// or where a denormal difference may be flushed.
fn element_error(y: Carried, t: Carried) -> Element<Carried> {
    let d = y - t;
    let reach = y.error + t.error;
    let uncertain = if d.value == 0.0 { reach > 0.0 } else { d.value.abs() <= reach.max(TINY) };
    let slope = if d.value == 0.0 { 0.0 } else { d.value.signum() };
    let slope_error = if uncertain { 1.0 + slope.abs() } else { 0.0 };
    Element { loss: Carried::new(d.value.abs(), d.error), slope: Carried::new(slope, slope_error) }
}

/// The CPU kernel.
pub fn mae<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Mean, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Mean, element_error)
}
