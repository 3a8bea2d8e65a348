//! col_sum: y\[part, c\] = sum over the part's rows of x\[row, c\]. Twin of `shaders/col_sum.wgsl`.
//!
//! Shapes: x `[rows, cols]`, y `[ceil(rows / rows_per_sum), cols]`. Order of sums: rising row within a part.

use super::vector;
use crate::kernels::bound::{self, TINY};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many elements a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 64 * 1024;
/// Columns that one thread sums.
const COLUMNS: usize = 128;

/// The CPU kernel.
pub fn col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = call.inputs[0].f();
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let [y] = call.outputs();
    let parts = x[..rows * cols].chunks(rows_per_sum * cols);
    y.chunks_mut(cols).zip(parts).for_each(|(y, part)| sum_columns(y, part));
}

/// The sum of the rows of `x`, as long as `y`, in rising order. Threads share the columns, so that the order stays.
pub fn sum_columns<T: Scalar>(y: &mut [T], x: &[T]) {
    let cols = y.len();
    if x.len() < PARALLEL_FROM {
        vector::column_sums(y, x, cols, 0);
    } else {
        let part = |(i, y): (usize, &mut [T])| vector::column_sums(y, x, cols, i * COLUMNS);
        y.par_chunks_mut(COLUMNS).enumerate().for_each(part);
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
