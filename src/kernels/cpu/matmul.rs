//! matmul: y = op(a) · op(b). Twin of `shaders/matmul.wgsl`.
//!
//! Shapes: y `[m, n]`; a `[m, k]` or, transposed, `[k, m]`; b `[k, n]` or, transposed, `[n, k]`. Order of sums: the
//! crate `gemm`'s, which blocks; the bound gamma(k) holds for every order.

use super::gemm::gemm;
use crate::kernels::bound::{self, TINY};
use crate::kernels::definition::{BoundCall, Call, Measured};
use crate::kernels::scalar::Scalar;

/// The CPU kernel.
pub fn matmul<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (trans_a, trans_b) = (call.args.constant("TRANS_A") != 0.0, call.args.constant("TRANS_B") != 0.0);
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let sizes = call.args.sizes();
    let [y] = call.outputs();
    gemm(y, a, b, sizes, trans_a, trans_b);
}

/// The error bound.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let trans = |name| call.args.constant(name) != 0.0;
    vec![product_bound(&call.inputs[0], &call.inputs[1], call.args.sizes(), trans("TRANS_A"), trans("TRANS_B"), 0)]
}

/// Error of the products op(a) · op(b) for operands that carry errors: gamma(k + extra) * sum (|a| + ea)(|b| + eb), plus
/// what the operands carried, sum (|a| + ea)(|b| + eb) - |a||b|; every product and every partial sum may be flushed.
pub fn product_bound(
    a: &Measured,
    b: &Measured,
    sizes: [usize; 3],
    trans_a: bool,
    trans_b: bool,
    extra: usize,
) -> Vec<f64> {
    let [m, n, k] = sizes;
    let size = |v: &Measured| v.value.iter().map(|v| v.abs()).collect::<Vec<f64>>();
    let reach = |v: &Measured| v.value.iter().zip(&v.error).map(|(v, e)| v.abs() + e).collect::<Vec<f64>>();
    let (mut plain, mut carried) = (vec![0.0; m * n], vec![0.0; m * n]);
    gemm(&mut plain, &size(a), &size(b), sizes, trans_a, trans_b);
    gemm(&mut carried, &reach(a), &reach(b), sizes, trans_a, trans_b);
    let rule = |(p, c): (&f64, &f64)| (c - p).max(0.0) + bound::gamma(k + extra) * c + 2.0 * (k + extra) as f64 * TINY;
    plain.iter().zip(&carried).map(rule).collect()
}
