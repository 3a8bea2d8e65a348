//! copy_window: y\[r, c\] = x\[first + r * stride + c\]. Twin of `shaders/copy_window.wgsl`.
//!
//! Shapes: x at least `first + (rows - 1) * stride + cols` elements, y `[rows, cols]`.

use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn copy_window<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols, stride, first] = call.args.sizes();
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    copy(y, x, cols, stride, first);
}

fn copy<E: Copy>(y: &mut [E], x: &[E], cols: usize, stride: usize, first: usize) {
    for (r, row) in y.chunks_mut(cols).enumerate() {
        row.copy_from_slice(&x[first + r * stride..][..cols]);
    }
}

/// The error bound: the elements' own errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols, stride, first] = call.args.sizes();
    let mut error = vec![0.0; rows * cols];
    copy(&mut error, &call.inputs[0].error, cols, stride, first);
    vec![error]
}
