//! join_columns: y = \[a | b\], row by row. Twin of `shaders/join_columns.wgsl`.
//!
//! Shapes: a `[rows, cols_a]`, b `[rows, cols_b]`, y `[rows, cols_a + cols_b]`.

use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn join_columns<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols_a, cols_b] = call.args.sizes();
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let [y] = call.outputs();
    join(y, a, b, cols_a, cols_b);
}

fn join<E: Copy>(y: &mut [E], a: &[E], b: &[E], cols_a: usize, cols_b: usize) {
    for ((row, a), b) in y.chunks_mut(cols_a + cols_b).zip(a.chunks(cols_a)).zip(b.chunks(cols_b)) {
        row[..cols_a].copy_from_slice(a);
        row[cols_a..].copy_from_slice(b);
    }
}

/// The error bound: the elements' own errors.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols_a, cols_b] = call.args.sizes();
    let [a, b] = call.inputs else { unreachable!("the row has two inputs") };
    let mut error = vec![0.0; rows * (cols_a + cols_b)];
    join(&mut error, &a.error, &b.error, cols_a, cols_b);
    vec![error]
}
