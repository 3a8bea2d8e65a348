//! matmul_col_sum: dw = dyᵀ · x and db = column sums of dy. Twin of `shaders/matmul_col_sum.wgsl`.
//!
//! Shapes: dy `[k, m]`, x `[k, n]`, dw `[m, n]`, db `[m]`; k is the number of samples, m that of the layer's outputs and n
//! that of its inputs. Order of sums: dw the crate `gemm`'s, db rising sample.

use super::col_sum::sum_columns;
use super::gemm::gemm;
use super::matmul::product_bound;
use crate::kernels::bound::{self, TINY};
use crate::kernels::definition::{BoundCall, Call};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (dy, x) = (call.inputs[0].f(), call.inputs[1].f());
    let sizes @ [m, _, k] = call.args.sizes();
    let [dw, db] = call.outputs();
    gemm(dw, dy, x, sizes, true, false);
    sum_columns(&mut db[..m], &dy[..k * m]);
}

/// The error bound: the product's; and for db what the terms carry, gamma(k), and for each term that is not 0 a partial sum
/// that may cancel to a denormal and be flushed.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [dy, x] = call.inputs else { unreachable!("the row has two inputs") };
    let sizes @ [m, _, k] = call.args.sizes();
    let gamma = bound::gamma(k);
    let mut db = vec![0.0; m];
    for (i, (value, error)) in dy.value[..k * m].iter().zip(&dy.error).enumerate() {
        let reach = value.abs() + error;
        db[i % m] += error + gamma * reach + if reach == 0.0 { 0.0 } else { TINY };
    }
    vec![product_bound(dy, x, sizes, true, false, 0), db]
}
