//! square_sum: y\[part\] = sum over the part's 4096 elements of x^2. Twin of `shaders/square_sum.wgsl`.
//!
//! Shapes: x `[n]`, y `[ceil(n / 4096)]`. Order of sums: as in the shader.

use crate::kernels::SQUARE_SUM_PART;
use crate::kernels::bound::{TINY, gamma};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Elements that the 64 invocations of the shader take at once: a word of four each.
const STRIDE: usize = 256;
/// Up to this many parts one thread sums as fast as several.
const PARALLEL_ABOVE: usize = 16;

/// The CPU kernel.
pub fn square_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    let y = &mut y[..n.div_ceil(SQUARE_SUM_PART)];
    if y.len() > PARALLEL_ABOVE {
        y.par_iter_mut().zip(x.par_chunks(SQUARE_SUM_PART)).for_each(|(y, part)| *y = sum(part));
    } else {
        y.iter_mut().zip(x.chunks(SQUARE_SUM_PART)).for_each(|(y, part)| *y = sum(part));
    }
}

fn sum<T: Scalar>(part: &[T]) -> T {
    let mut totals = [T::zero(); STRIDE];
    for row in part.chunks(STRIDE) {
        for (total, &x) in totals.iter_mut().zip(row) {
            *total += x * x;
        }
    }
    let mut lanes: [T; STRIDE / 4] =
        std::array::from_fn(|j| (totals[4 * j] + totals[4 * j + 1]) + (totals[4 * j + 2] + totals[4 * j + 3]));
    let mut half = lanes.len() / 2;
    while half > 0 {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The error bound: 25 roundings an element at most; each square may be flushed.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (n, x) = (call.args.size(0), &call.inputs[0]);
    let one = |(x, e): (&f64, &f64)| {
        let most = x.abs() + e;
        (x.abs() + most) * e + gamma(25) * (most * most) + 2.0 * TINY
    };
    let parts = x.value[..n].chunks(SQUARE_SUM_PART).zip(x.error[..n].chunks(SQUARE_SUM_PART));
    vec![parts.map(|(values, errors)| values.iter().zip(errors).map(one).sum()).collect()]
}
