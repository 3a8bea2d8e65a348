//! nadam_step: g' = g + weight_decay * p; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
//! p = p - (grad_size * g' + moment_size * m) / (sqrt(v) * inv_sqrt_bias2 + eps). Twin of `shaders/nadam_step.wgsl`.
//!
//! Shapes: see `optimizer.rs`; the table's second and fourth numbers are grad_size and moment_size. Numerics: bias
//! corrections and the schedule of the momentum come from the host, where they do not cancel.

use super::adam_step::{Constants, direction_limit};
use super::carried::Carried;
use super::optimizer::{self, Hyper};
use super::quotient::{least, over_root, within};
use crate::kernels::bound::{TINY, U};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn nadam_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (c, hyper) = (Constants::of(call.args, T::of), Hyper::of(call));
    optimizer::each(call, |g, [p, m, v]| {
        let g = g + c.weight_decay * p;
        let m = hyper.momentum * m + hyper.one_minus_momentum * g;
        let v = c.beta2 * v + c.one_minus_beta2 * (g * g);
        let direction = hyper.step_size * g + hyper.moment_size * m;
        [p - direction / (v.sqrt() * hyper.inv_sqrt_bias2 + c.eps), m, v]
    });
}

/// The error bound: the formula over values with errors; constants and hyper are rounded to f32.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (c, hyper) = (Constants::of(call.args, Carried::rounded), Hyper::of_bound(call));
    // The largest |g| / (sqrt(v') k + eps), for v' is at least (1 - beta2) g^2; as in `quotient::of_own_square`.
    let share = least(c.one_minus_beta2);
    let own = 1.0 / (share.sqrt() * least(hyper.inv_sqrt_bias2)) * (1.0 + 64.0 * U);
    let own = own + (TINY / share).sqrt() / least(c.eps);
    optimizer::bound_each(call, |g, [p, m, v]| {
        let limit =
            hyper.moment_size.magnitude() * direction_limit(&c, &hyper, m, v) + hyper.step_size.magnitude() * own;
        let g = g + c.weight_decay * p;
        let m = hyper.momentum * m + hyper.one_minus_momentum * g;
        let v = c.beta2 * v + c.one_minus_beta2 * (g * g);
        let direction = hyper.step_size * g + hyper.moment_size * m;
        let step = over_root(direction, v, hyper.inv_sqrt_bias2, c.eps);
        [p - within(step, limit * (1.0 + 64.0 * U)), m, v]
    })
}
