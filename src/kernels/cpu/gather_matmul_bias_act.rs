//! gather_matmul_bias_act: z = data\[index\] · wᵀ + b, y = activation(z). Twin of `shaders/gather_matmul_bias_act.wgsl`.
//!
//! Shapes: x `[any, k]`, index `[steps, index_stride]`; the others as `matmul_bias_act.rs`.

use super::gathered::{self, Operand};
use super::matmul_bias_act;
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;

fn batch(args: &Args) -> Operand {
    Operand { position: 0, rows: args.size(0), cols: args.size(2) }
}

/// The CPU kernel.
pub fn gather_matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    gathered::call(call, batch(call.args), matmul_bias_act::matmul_bias_act);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    gathered::bound(call, batch(call.args), matmul_bias_act::bound)
}
