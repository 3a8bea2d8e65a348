//! bce_with_logits: loss_i = mean_j (1 - t_ij) softplus(z_ij) + t_ij softplus(-z_ij), with pred = z the logits;
//! dpred_ij = upstream_i / cols * ((1 - t_ij) s(z_ij) - t_ij s(-z_ij)), s the sigmoid.
//! Twin of `shaders/bce_with_logits.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: softplus(z) = max(z, 0) + log1p(exp(-|z|)); for t
//! in [0, 1] both terms of the loss are positive and keep full relative precision. s(-z) is computed by itself: 1 - s(z)
//! loses all digits where s(z) rounds to 1.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::bound::{DIV, EXP, LOG, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(z: T, t: T) -> Element<T> {
    let not_t = T::one() - t;
    Element { loss: not_t * softplus(z) + t * softplus(-z), slope: not_t * sigmoid(z) - t * sigmoid(-z) }
}

#[inline(always)]
fn softplus<T: Scalar>(z: T) -> T {
    z.max(T::zero()) + (-z.abs()).exp_safe().log1p_safe()
}

#[inline(always)]
fn sigmoid<T: Scalar>(z: T) -> T {
    let e = (-z.abs()).exp_safe();
    let above = if z >= T::zero() { T::one() } else { e };
    above / (T::one() + e)
}

/// The same with errors. softplus, relative: log1p(e) takes at most the relative error of e (its condition is at most
/// 1), then its own, then one sum. Sigmoid, relative: exp in numerator and denominator, a sum, a division. One more u
/// covers the products of these.
fn element_error(z: Carried, t: Carried) -> Element<Carried> {
    let not_t = Carried::new(1.0, 0.0) - t;
    let softplus = |z| loss::monotone(softplus, z, EXP + LOG + 2.0 * U);
    let sigmoid = |z| loss::monotone(sigmoid, z, 2.0 * EXP + DIV + 2.0 * U);
    Element { loss: not_t * softplus(z) + t * softplus(-z), slope: not_t * sigmoid(z) - t * sigmoid(-z) }
}

/// The CPU kernel.
pub fn bce_with_logits<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Mean, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Mean, element_error)
}
