//! binary_cross_entropy: loss_i = mean_j -(t_ij log p_ij + (1 - t_ij) log(1 - p_ij)), with pred = p in [0, 1];
//! dpred_ij = upstream_i / cols * (p_ij - t_ij) / max(p_ij (1 - p_ij), 1e-12).
//! Twin of `shaders/binary_cross_entropy.wgsl`.
//!
//! Shapes and order of sums: see `loss.rs`. Numerics: logs are clamped at -100 (PyTorch's convention).
//! log p near 1 is -log1p((1 - p) / p), where 1 - p is exact; log(1 - p) near 0 is -log1p(p / (1 - p)). A p outside
//! [0, 1] gives NaN.

use super::carried::Carried;
use super::loss::{self, Element, Over};
use crate::kernels::bound::{DIV, LOG, TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The least denominator of the gradient (PyTorch, `binary_cross_entropy_backward`): 1e-12 in f32, whatever the precision.
const LEAST_VARIANCE: f64 = 1e-12_f32 as f64;
/// The largest -log p (PyTorch, `torch.nn.BCELoss`).
const LARGEST_LOG: f64 = 100.0;

/// Loss and slope of one output.
#[inline(always)]
pub fn element<T: Scalar>(p: T, t: T) -> Element<T> {
    if !(p >= T::zero() && p <= T::one()) {
        return Element { loss: T::nan(), slope: T::nan() };
    }
    let q = T::one() - p;
    let loss = t * negative_log(p, q) + (T::one() - t) * negative_log(q, p);
    Element { loss, slope: (p - t) / (p * q).max(T::of(LEAST_VARIANCE)) }
}

/// min(100, -log p); `complement` is 1 - p.
#[inline(always)]
fn negative_log<T: Scalar>(p: T, complement: T) -> T {
    if p >= T::of(0.5) { (complement / p).log1p_safe() } else { T::of(LARGEST_LOG).min(-p.log_safe()) }
}

/// The same with errors, for p' in [0, 1]: outside it the kernel gives NaN, which no comparison passes.
fn element_error(p: Carried, t: Carried) -> Element<Carried> {
    // -log, relative: 1 - p, and a quotient or nothing, before the logarithm; 1 u covers the products of these.
    let local = LOG + DIV + 2.0 * U;
    let inside = |p: f64| p.clamp(0.0, 1.0);
    let log_p = loss::monotone(|p| negative_log(inside(p), 1.0 - inside(p)), p, local);
    let log_q = loss::monotone(|p| negative_log(1.0 - inside(p), inside(p)), p, local);
    let not_t = Carried::new(1.0, 0.0) - t;
    Element { loss: t * log_p + not_t * log_q, slope: slope_error(p, t) }
}

/// (p - t) / v, v = max(p (1 - p), 1e-12): linear in t; monotone in p for t in [0, 1], for it is
/// -t / p + (1 - t) / (1 - p) above the clamp and linear below. Local, relative: the difference, 1 - p, the product, the
/// constant 1e-12, the division, and 1 u for the products of these.
fn slope_error(p: Carried, t: Carried) -> Carried {
    let variance = |p: f64| (p * (1.0 - p)).max(LEAST_VARIANCE);
    let slope = |p: f64| (p - t.value) / variance(p);
    let (low, high) = ((p.value - p.error).clamp(0.0, 1.0), (p.value + p.error).clamp(0.0, 1.0));
    // p (1 - p) is concave: least at an end.
    let least = variance(low).min(variance(high));
    let value = slope(p.value);
    let by_p = if (0.0..=1.0).contains(&t.value) {
        (slope(low) - value).abs().max((slope(high) - value).abs())
    } else {
        // |d v / d p| <= 1.
        (p.error + value.abs() * p.error) / least
    };
    let carried = by_p + t.error / least;
    Carried::new(value, carried + (DIV + 5.0 * U) * (value.abs() + carried) + TINY / least)
}

/// The CPU kernel.
pub fn binary_cross_entropy<T: Scalar>(call: &mut Call<'_, '_, T>) {
    loss::elementwise(call, Over::Mean, element);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    loss::bound_elementwise(call, Over::Mean, element_error)
}
