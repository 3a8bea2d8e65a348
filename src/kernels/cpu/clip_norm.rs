//! clip_norm: y = x * min(1, max_norm / (sqrt(total) + 1e-6)), total the sum of the squares of all gradients. Twin of
//! `shaders/clip_norm.wgsl`.
//!
//! Shapes: x, y `[n]`, total `[1]`.

use super::carried::Carried;
use super::quotient;
use super::vector;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// PyTorch's, against a norm of 0.
const EPS: f64 = 1e-6;

/// The CPU kernel.
pub fn clip_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let factor = T::of(call.args.number(1)) / (call.inputs[1].f()[0].sqrt() + T::of(EPS));
    // As a comparison, which lets NaN through.
    let factor = if factor > T::one() { T::one() } else { factor };
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    vector::map(&mut y[..n], x, |x| x * factor);
}

/// The error bound: the formula over values with errors; the factor is exact where it is 1 for certain.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [x, total] = call.inputs else { unreachable!("the row has two inputs") };
    let max_norm = Carried::rounded(call.args.number(1));
    let one = Carried::new(1.0, 0.0);
    let factor = quotient::over_root(max_norm, Carried::input(total, 0), one, Carried::rounded(EPS));
    // The lesser of it and 1 is no farther off than itself.
    let sure = factor.value - factor.error >= 1.0;
    let factor = if sure { one } else { Carried { value: factor.value.min(1.0), ..factor } };
    vec![(0..call.args.size(0)).map(|i| (Carried::input(x, i) * factor).error).collect()]
}
