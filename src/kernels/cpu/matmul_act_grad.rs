//! matmul_act_grad: dx = (dy · w) * activation'(saved). Twin of `shaders/matmul_act_grad.wgsl`.
//!
//! Shapes: dy `[m, k]`, w `[k, n]`, saved and dx `[m, n]`; k is the number of the layer's outputs, n that of its inputs.

use super::elementwise::{CHUNK, PARALLEL_FROM};
use super::gemm::gemm;
use super::matmul::product_bound;
use crate::kernels::act::Act;
use crate::kernels::bound;
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// The CPU kernel.
pub fn matmul_act_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (dy, w, saved) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let act = Act::from_args(call.args);
    let sizes = call.args.sizes();
    let [dx] = call.outputs();
    gemm(dx, dy, w, sizes, false, false);
    if dx.len() < PARALLEL_FROM {
        act.multiply_derivative(dx, saved);
    } else {
        dx.par_chunks_mut(CHUNK).zip(saved.par_chunks(CHUNK)).for_each(|(dx, s)| act.multiply_derivative(dx, s));
    }
}

/// The error bound: the product's, joined with the derivative's by the product rule.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [dy, w, saved] = call.inputs else { unreachable!("the row has three inputs") };
    let sizes = call.args.sizes();
    let error = product_bound(dy, w, sizes, false, false, 0);
    let mut product = vec![0.0; error.len()];
    gemm(&mut product, &dy.value, &w.value, sizes, false, false);
    let act = Act::from_args(call.args);
    let rule = |i: usize| {
        let (s, es) = (saved.value[i], saved.error[i]);
        bound::product(product[i], error[i], act.derivative(s), act.derivative_error(s, es))
    };
    vec![(0..error.len()).map(rule).collect()]
}
