//! gather_matmul_col_sum: dw = dyᵀ · data\[index\] and db = column sums of dy. Twin of
//! `shaders/gather_matmul_col_sum.wgsl`.
//!
//! Shapes: x `[any, n]`, index `[steps, index_stride]`; the others as `matmul_col_sum.rs`.

use super::gathered::{self, Operand};
use super::matmul_col_sum;
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;

fn batch(args: &Args) -> Operand {
    Operand { position: 1, rows: args.size(2), cols: args.size(1) }
}

/// The CPU kernel.
pub fn gather_matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    gathered::call(call, batch(call.args), matmul_col_sum::matmul_col_sum);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    gathered::bound(call, batch(call.args), matmul_col_sum::bound)
}
