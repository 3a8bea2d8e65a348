//! clip_value: y = min(max(x, -limit), limit). Twin of `shaders/clip_value.wgsl`.
//!
//! Shapes: x, y `[n]`.

use super::carried::Carried;
use super::vector;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn clip_value<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let limit = T::of(call.args.number(1));
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    // As comparisons, which let NaN through.
    vector::map(&mut y[..n], x, |x| {
        let low = if x < -limit { -limit } else { x };
        if low > limit { limit } else { low }
    });
}

/// The error bound: that of the element, or of the limit, which is rounded to f32, where one or the other is taken for
/// certain; both where either may be.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let limit = Carried::rounded(call.args.number(1));
    let one = |i: usize| {
        let x = Carried::input(&call.inputs[0], i);
        if x.magnitude() < limit.value - limit.error {
            x.error
        } else if x.value.abs() - x.error > limit.magnitude() {
            limit.error
        } else {
            x.error + limit.error
        }
    };
    vec![(0..call.args.size(0)).map(one).collect()]
}
