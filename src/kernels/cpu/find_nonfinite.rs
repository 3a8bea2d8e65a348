//! find_nonfinite: found\[0\] = 1 if an element of x is NaN or an infinity. Twin of `shaders/find_nonfinite.wgsl`.
//!
//! Shapes: x `[n]`, found `[1]`. No sums.

use crate::kernels::definition::{BoundCall, Call, Out};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Up to this many elements one thread reads as fast as several.
const PARALLEL_ABOVE: usize = 256 * 1024;

/// The CPU kernel.
pub fn find_nonfinite<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = &call.inputs[0].f()[..call.args.size(0)];
    let [Out::U(found)] = &mut *call.outputs else { unreachable!("the row writes found") };
    let finite = if x.len() > PARALLEL_ABOVE { x.par_chunks(PARALLEL_ABOVE).all(all_finite) } else { all_finite(x) };
    found[0] |= u32::from(!finite);
}

/// A sum of zeros times the elements would be shorter, but is what a compiler may simplify.
fn all_finite<T: Scalar>(x: &[T]) -> bool {
    x.iter().all(|v| v.widen().is_finite())
}

/// The error bound: bits are tested.
pub fn bound(_call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![vec![0.0]]
}
