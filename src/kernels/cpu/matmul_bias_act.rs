//! matmul_bias_act: z = x · wᵀ + b, y = activation(z). Twin of `shaders/matmul_bias_act.wgsl`.
//!
//! Shapes: x `[m, k]`, w `[n, k]`, b `[n]`, y `[m, n]`; z `[m, n]` where KEEP_Z is set. Order of sums: the crate
//! `gemm`'s, then the bias.

use super::elementwise::{CHUNK, PARALLEL_FROM};
use super::gemm::gemm;
use super::matmul::product_bound;
use super::vector;
use crate::kernels::act::Act;
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// The CPU kernel.
pub fn matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, w, b) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let (act, keep) = (Act::from_args(call.args), call.args.constant("KEEP_Z") != 0.0);
    let sizes @ [m, n, _] = call.args.sizes();
    let [y, z] = call.outputs();
    gemm(y, x, w, sizes, false, true);
    let rows = |y: &mut [T], z: Option<&mut [T]>| {
        vector::add_to_rows(y, b);
        if let Some(z) = z {
            z.copy_from_slice(y);
        }
        act.apply(y);
    };
    let chunk = (CHUNK / n).max(1) * n;
    match (m * n < PARALLEL_FROM, keep) {
        (true, true) => rows(y, Some(z)),
        (true, false) => rows(y, None),
        (false, true) => {
            y.par_chunks_mut(chunk).zip(z.par_chunks_mut(chunk)).for_each(|(y, z)| rows(y, Some(z)));
        }
        (false, false) => y.par_chunks_mut(chunk).for_each(|y| rows(y, None)),
    }
}

/// The error bound: of z, then of the activation at a z that carries it.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let sizes @ [_, n, k] = call.args.sizes();
    let [x, w, b] = call.inputs else { unreachable!("the row has three inputs") };
    let products = product_bound(x, w, sizes, false, true, 1);
    // The exact z is needed, which the kernel does not keep when the backward pass has no use for it.
    let mut z = vec![0.0; products.len()];
    gemm(&mut z, &x.value, &w.value, sizes, false, true);
    let error: Vec<f64> = (0..z.len())
        .map(|i| {
            z[i] += b.value[i % n];
            let reach = b.value[i % n].abs() + b.error[i % n];
            products[i] + b.error[i % n] + bound::gamma(k + 1) * reach
        })
        .collect();
    let act = Act::from_args(call.args);
    let y = z.iter().zip(&error).map(|(&z, &e)| act.value_error(z, e)).collect();
    let kept = if call.args.constant("KEEP_Z") != 0.0 { error } else { vec![0.0; call.after[1].len()] };
    vec![y, kept]
}
