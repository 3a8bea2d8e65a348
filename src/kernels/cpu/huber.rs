//! huber: loss_i = mean_j h(y_ij - t_ij), h(d) = d^2 / 2 for |d| <= delta, delta (|d| - delta / 2) outside;
//! dpred_ij = upstream_i / cols * clamp(y_ij - t_ij, -delta, delta).
//! Twin of `shaders/huber.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: h and h' are continuous where the branches meet, so
//! a rounded |d| on the wrong side costs nothing.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::bound::{TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(y: T, t: T, delta: T) -> Element<T> {
    let half = T::of(0.5);
    let d = y - t;
    let a = d.abs();
    let loss = if a <= delta { half * d * d } else { delta * (a - half * delta) };
    Element { loss, slope: d.max(-delta).min(delta) }
}

/// The same with errors. Local, relative to h: outside, delta rounds (1 u in the factor; at most 1 u in the difference,
/// which is at least delta / 2), the difference and the product round, 4 u in all; within, one product, 1 u. Where the
/// branches meet they differ by (|d| - delta)^2 / 2, of second order: 5 u cover it.
fn element_error(y: Carried, t: Carried, delta: f64) -> Element<Carried> {
    let d = y - t;
    let a = d.value.abs();
    let h = |a: f64| if a <= delta { 0.5 * a * a } else { delta * (a - 0.5 * delta) };
    let value = h(a);
    let carried = (h(a + d.error) - value).max(value - h((a - d.error).max(0.0)));
    let loss = Carried::new(value, carried + 5.0 * U * (value + carried) + TINY);
    let clamped = d.value.clamp(-delta, delta);
    let moves = a - d.error <= delta;
    let rounds = a + d.error >= delta * (1.0 - U);
    let slope_error = if moves { d.error } else { 0.0 } + if rounds { U * delta } else { 0.0 };
    Element { loss, slope: Carried::new(clamped, slope_error) }
}

/// The CPU kernel.
pub fn huber<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let delta = T::of(call.args.number(3));
    loss::elementwise(call, Over::Mean, |y, t| element(y, t, delta));
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let delta = call.args.number(3);
    loss::bound_elementwise(call, Over::Mean, |y, t| element_error(y, t, delta))
}
