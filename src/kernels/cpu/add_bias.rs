//! add_bias: y\[i, j\] = x\[i, j\] + b\[j\]. Twin of `shaders/add_bias.wgsl`.

use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn add_bias<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [_, cols] = call.args.sizes();
    let [y] = call.outputs();
    for (y, x) in y.chunks_mut(cols).zip(x.chunks(cols)) {
        for ((y, &x), &b) in y.iter_mut().zip(x).zip(b) {
            *y = x + b;
        }
    }
}

/// The error bound: one rounding.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (x, b) = (&call.inputs[0], &call.inputs[1]);
    let [_, cols] = call.args.sizes();
    let rule = |i: usize| bound::sum(x.value[i], x.error[i], b.value[i % cols], b.error[i % cols]);
    vec![(0..x.value.len()).map(rule).collect()]
}
