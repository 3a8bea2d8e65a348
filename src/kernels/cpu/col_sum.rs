//! col_sum: y\[part, c\] = sum over the part's rows of x\[row, c\]. Twin of `shaders/col_sum.wgsl`.
//!
//! Shapes: x `[rows, cols]`, y `[ceil(rows / rows_per_sum), cols]`. Order of sums: rising row within a part.

use super::elementwise::PARALLEL_FROM;
use super::vector;
use crate::kernels::bound::{self, TINY};
use crate::kernels::row::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// The CPU kernel.
pub fn col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = call.inputs[0].f();
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let [y] = call.outputs();
    let parts = x[..rows * cols].chunks(rows_per_sum * cols);
    let run = |y: &mut [T], part: &[T]| {
        y.fill(T::zero());
        vector::add_rows(y, part);
    };
    if rows > rows_per_sum && rows * cols >= PARALLEL_FROM {
        y.par_chunks_mut(cols).zip(x[..rows * cols].par_chunks(rows_per_sum * cols)).for_each(|(y, part)| run(y, part));
    } else {
        y.chunks_mut(cols).zip(parts).for_each(|(y, part)| run(y, part));
    }
}

/// The error bound: what the terms carry, gamma of the number of terms, and for each term that is not 0 a partial sum that may
/// cancel to a denormal and be flushed.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let x = &call.inputs[0];
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let gamma = bound::gamma(rows_per_sum.min(rows));
    let mut out = vec![0.0; call.after[0].len()];
    for i in 0..rows * cols {
        let at = (i / cols / rows_per_sum) * cols + i % cols;
        let reach = x.value[i].abs() + x.error[i];
        out[at] += x.error[i] + gamma * reach + if reach == 0.0 { 0.0 } else { TINY };
    }
    vec![out]
}
