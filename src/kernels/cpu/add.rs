//! add: y = a + b. Twin of `shaders/add.wgsl`.

use super::elementwise;
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn add<T: Scalar>(call: &mut Call<'_, '_, T>) {
    elementwise::sum(call);
}

/// The error bound: one rounding.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![bound::map2(&call.inputs[0], &call.inputs[1], bound::sum)]
}
