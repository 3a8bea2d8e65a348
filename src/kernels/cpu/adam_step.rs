//! adam_step: g' = g + weight_decay * p; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
//! p = p - step_size * m / (sqrt(v) * inv_sqrt_bias2 + eps). Twin of `shaders/adam_step.wgsl` and `shaders/lib/adam.wgsl`.
//!
//! Shapes: see `optimizer.rs`, whose momentum is beta1. Numerics: bias corrections and 1 - beta come from the host, where they do not cancel;
//! sqrt(0) is 0 without a call.

use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient::{SQRT, least};
use crate::kernels::bound::{TINY, U};
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The numbers of Adam and AdamW that do not change from step to step.
#[derive(Debug, Clone, Copy)]
pub struct Constants<T> {
    /// Decay of the second moment.
    pub beta2: T,
    /// 1 - beta2.
    pub one_minus_beta2: T,
    /// Added to the root.
    pub eps: T,
    /// L2 penalty (Adam) or shrinkage (AdamW).
    pub weight_decay: T,
}

impl<T> Constants<T> {
    /// The parameters of a call, each through `of`.
    pub fn of(args: &Args, of: impl Fn(f64) -> T) -> Self {
        let at = |k: usize| of(args.number(k));
        Constants { beta2: at(2), one_minus_beta2: at(3), eps: at(4), weight_decay: at(5) }
    }
}

/// `[param, m, v]` after a step with gradient `g`.
#[inline(always)]
pub fn update<T: Scalar>(c: &Constants<T>, hyper: &Hyper<T>, g: T, [p, m, v]: [T; 3]) -> [T; 3] {
    let m = hyper.momentum * m + hyper.one_minus_momentum * g;
    let v = c.beta2 * v + c.one_minus_beta2 * (g * g);
    [p - hyper.step_size * (m / (v.sqrt() * hyper.inv_sqrt_bias2 + c.eps)), m, v]
}

/// The same over values with errors.
pub fn update_error(
    c: &Constants<Carried>,
    hyper: &Hyper<Carried>,
    g: Carried,
    [p, m, v]: [Carried; 3],
) -> [Carried; 3] {
    let limit = direction_limit(c, hyper, m, v);
    let m = hyper.momentum * m + hyper.one_minus_momentum * g;
    let v = c.beta2 * v + c.one_minus_beta2 * (g * g);
    let mut direction = m.over(sqrt(v) * hyper.inv_sqrt_bias2 + c.eps);
    direction.error = direction.error.min(direction.value.abs() + limit);
    [p - hyper.step_size * direction, m, v]
}

/// The largest |m' / (sqrt(v') k + eps)| that any gradient can give, k = inv_sqrt_bias2: with v' at least beta2 v and at
/// least (1 - beta2) g^2, it is at most beta1 |m| / (sqrt(beta2 v) k + eps) + (1 - beta1) / (sqrt(1 - beta2) k). The
/// bound on the quotient needs this where the gradient's error exceeds the gradient, for m' and v' err together.
/// All terms are positive and each goes through fewer than 64 roundings; where (1 - beta2) g^2 is flushed, eps alone
/// divides.
pub(super) fn direction_limit(c: &Constants<Carried>, hyper: &Hyper<Carried>, m: Carried, v: Carried) -> f64 {
    let (k, eps) = (least(hyper.inv_sqrt_bias2), least(c.eps));
    let divisor = (least(c.beta2) * least(v)).sqrt() * k + eps;
    let old = if m.magnitude() == 0.0 { 0.0 } else { hyper.momentum.magnitude() * m.magnitude() / divisor };
    let new = hyper.one_minus_momentum.magnitude() / (least(c.one_minus_beta2).sqrt() * k);
    let flushed = hyper.one_minus_momentum.magnitude() * (TINY / least(c.one_minus_beta2)).sqrt() / eps;
    (old + new) * (1.0 + 64.0 * U) + flushed
}

/// The root of a sum of squares that carries an error: exact at the ends of its interval.
fn sqrt(v: Carried) -> Carried {
    let value = v.value.max(0.0).sqrt();
    let low = (v.value - v.error).max(0.0).sqrt();
    let high = (v.value + v.error).max(0.0).sqrt();
    let carried = (high - value).max(value - low);
    Carried::new(value, carried + SQRT * (value + carried) + TINY)
}

/// The CPU kernel.
pub fn adam_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (c, hyper) = (Constants::of(call.args, T::of), Hyper::of(call));
    optimizer::each(call, |g, [p, m, v]| update(&c, &hyper, g + c.weight_decay * p, [p, m, v]));
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (c, hyper) = (Constants::of(call.args, Carried::rounded), Hyper::of_bound(call));
    optimizer::bound_each(call, |g, [p, m, v]| update_error(&c, &hyper, g + c.weight_decay * p, [p, m, v]))
}
