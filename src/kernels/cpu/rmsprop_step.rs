//! rmsprop_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; p = p - lr * g' / (sqrt(s) + eps). Twin of
//! `shaders/rmsprop_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`. Numerics: 1 - alpha comes from the host, where it does not cancel.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient;
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The mean of the squares: alpha and 1 - alpha.
#[derive(Debug, Clone, Copy)]
pub struct Rates<T> {
    /// Share of the old mean.
    pub alpha: T,
    /// Share of the new number.
    pub one_minus_alpha: T,
}

impl<T> Rates<T> {
    /// The parameters of a call of any of the RMSProp kernels, each through `of`.
    pub fn of(args: &Args, of: impl Fn(f64) -> T) -> Self {
        Rates { alpha: of(args.number(2)), one_minus_alpha: of(args.number(3)) }
    }
}

/// The CPU kernel.
pub fn rmsprop_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (lr, rates) = (Hyper::of(call).lr, Rates::of(call.args, T::of));
    let [eps, weight_decay] = [4, 5].map(|i| T::of(call.args.number(i)));
    optimizer::each(call, |g, [p, square]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        [p - lr * (g / (s.sqrt() + eps)), s]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (lr, rates) = (Hyper::of_bound(call).lr, Rates::of(call.args, Carried::rounded));
    let [eps, weight_decay] = [4, 5].map(|i| Carried::rounded(call.args.number(i)));
    optimizer::bound_each(call, |g, [p, square]| {
        let g = g + weight_decay * p;
        let s = rates.alpha * square + rates.one_minus_alpha * (g * g);
        [p - lr * quotient::of_own_square(g, s, rates.one_minus_alpha, eps), s]
    })
}
