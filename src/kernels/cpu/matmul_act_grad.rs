//! matmul_act_grad: dx = (dy · w) * activation'(saved). Twin of `shaders/matmul_act_grad.wgsl`.
//!
//! Shapes: dy `[m, k]`, w `[k, n]`, saved and dx `[m, n]`; k is the number of the layer's outputs, n that of its inputs.

use super::gemm::gemm;
use super::matmul::product_bound;
use crate::kernels::act::Act;
use crate::kernels::bound;
use crate::kernels::row::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Below this many outputs a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 16 * 1024;
const CHUNK: usize = 4 * 1024;

/// The CPU kernel.
pub fn matmul_act_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (dy, w, saved) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let act = Act::from_args(call.args);
    let sizes = call.args.sizes();
    let [dx] = call.outputs();
    gemm(dx, dy, w, sizes, false, false);
    let run = |dx: &mut [T], saved: &[T]| {
        for (dx, &s) in dx.iter_mut().zip(saved) {
            *dx *= act.derivative(s);
        }
    };
    if dx.len() < PARALLEL_FROM {
        run(dx, saved);
    } else {
        dx.par_chunks_mut(CHUNK).zip(saved.par_chunks(CHUNK)).for_each(|(dx, s)| run(dx, s));
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
