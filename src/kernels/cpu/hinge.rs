//! hinge: loss_i = mean_j max(0, 1 - t_ij y_ij); dpred_ij = upstream_i / cols * (-t_ij) where positive, else 0.
//! Twin of `shaders/hinge.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: the derivative at the kink is 0; for targets -1 and
//! 1 the product is exact and the side of the kink too.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::bound::TINY;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(y: T, t: T) -> Element<T> {
    let margin = T::one() - t * y;
    if margin <= T::zero() {
        Element { loss: T::zero(), slope: T::zero() }
    } else {
        Element { loss: margin, slope: -t }
    }
}

/// The same with errors. The side of the kink is uncertain where the product's error reaches it; the last difference
/// rounds, but keeps its sign.
fn element_error(y: Carried, t: Carried) -> Element<Carried> {
    let mut product = t * y;
    let exact = y.error == 0.0 && t.error == 0.0 && f64::from(product.value as f32) == product.value;
    if exact && (product.value == 0.0 || product.value.abs() >= TINY) {
        product.error = 0.0;
    }
    let margin = Carried::new(1.0, 0.0) - product;
    let inside = margin.value > 0.0;
    let uncertain = product.error > 0.0 && margin.value.abs() <= product.error;
    let slope = if inside { -t.value } else { 0.0 };
    let slope_error = match (uncertain, inside) {
        (true, _) => t.magnitude(),
        (false, true) => t.error,
        (false, false) => 0.0,
    };
    let loss_error = if inside || uncertain { margin.error } else { 0.0 };
    Element { loss: Carried::new(margin.value.max(0.0), loss_error), slope: Carried::new(slope, slope_error) }
}

/// The CPU kernel.
pub fn hinge<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Mean, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Mean, element_error)
}
