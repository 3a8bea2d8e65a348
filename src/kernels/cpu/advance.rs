//! advance: step += by. Twin of `shaders/advance.wgsl`.

use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn advance<T: Scalar>(call: &mut Call<'_, '_, T>) {
    call.outputs[0].u()[0] += call.args.size(0) as u32;
}

/// The error bound: an integer is exact.
pub fn bound(_call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![vec![0.0]]
}
