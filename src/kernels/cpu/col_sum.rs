//! col_sum: y\[part, c\] = sum over the part's rows of x\[row, c\]. Twin of `shaders/col_sum.wgsl`.
//!
//! Shapes: x `[rows, cols]`, y `[ceil(rows / rows_per_sum), cols]`. Order of sums: rising row within a part.

use crate::kernels::bound;
use crate::kernels::row::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = call.inputs[0].f();
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let [y] = call.outputs();
    let parts = x[..rows * cols].chunks(rows_per_sum * cols);
    for (y, part) in y.chunks_mut(cols).zip(parts) {
        y.fill(T::zero());
        for row in part.chunks(cols) {
            for (y, &x) in y.iter_mut().zip(row) {
                *y += x;
            }
        }
    }
}

/// The error bound: what the terms carry, and gamma of the number of terms.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let x = &call.inputs[0];
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let gamma = bound::gamma(rows_per_sum.min(rows));
    let mut out = vec![0.0; call.after[0].len()];
    for i in 0..rows * cols {
        let at = (i / cols / rows_per_sum) * cols + i % cols;
        out[at] += x.error[i] + gamma * (x.value[i].abs() + x.error[i]);
    }
    vec![out]
}
