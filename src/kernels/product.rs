//! Matrix products op(a) · op(b), alone and with what is done before and after them.
//!
//! Those that gather read an operand's rows from a data set, by this step's row of the index table: their first two inputs are
//! `step` and `index`, the others are those of the kernel that reads the operand itself. On the CPU only the judge and tests run
//! them, with a copy: the CPU device gathers in a kernel of its own.

mod cases;
pub mod tuning;
mod ways;

pub use ways::Products;

use super::activation::Activation;
use super::bound::{self, TINY};
use super::conformance::Values;
use super::cpu::elementwise::{CHUNK, PARALLEL_FROM};
use super::cpu::gemm::gemm;
use super::cpu::vector;
use super::definition::{
    Args, Binding, BoundCall, Call, Definition, In, Measured, Out, Product, StepPart, kernels, read, read_u32, step,
    write,
};
use super::scalar::Scalar;
use super::sums::sum_columns;
use super::{Engine, MATMUL_SIDE};
use rayon::prelude::*;

/// Invocations on a side of a product's workgroup: the constant SIDE, or its default in the shader.
fn side(args: &Args) -> u64 {
    match args.constant("SIDE") as u64 {
        0 => MATMUL_SIDE as u64,
        side => side,
    }
}

fn tiles(args: &Args) -> u64 {
    let [rows, cols] = match Engine::of(args) {
        Engine::Tile => [4 * side(args); 2],
        Engine::Broadcast => ["BLOCKS", "LANES"].map(|name| 4 * args.constant(name) as u64),
    };
    args.count(0).div_ceil(rows) * args.count(1).div_ceil(cols)
}

/// Rounds of all loops of an invocation: over k, and for the stores at most one for each row of a tile and loop.
fn rounds(args: &Args) -> u64 {
    let k = args.count(2);
    match Engine::of(args) {
        Engine::Broadcast => k / 4 + 4 + 64,
        Engine::Tile if args.constant("DIRECT") != 0.0 => k + 24,
        // A slice of 16: itself, at most 16 rounds of loads and 16 of products.
        Engine::Tile => 33 * k.div_ceil(16) + 24,
    }
}

/// Operations of a product of m x k by k x n.
pub(super) fn product_flops(a: &Args) -> u64 {
    2 * a.area() * a.count(2)
}

/// Elements of both operands and the result.
fn elements(a: &Args) -> u64 {
    let [m, n, k] = a.sizes().map(|size| size as u64);
    m * k + n * k + m * n
}

const fn product(transposed: Option<[bool; 2]>, gathered: Option<usize>) -> Option<Product> {
    Some(Product { transposed, gathered })
}

/// Elements of both operands, however they are stored.
const A: fn(&Args, usize) -> usize = |a, _| a.size(0) * a.size(2);
const B: fn(&Args, usize) -> usize = |a, _| a.size(1) * a.size(2);

/// A pre-activation, which is bound and never touched where it is not kept.
const Z: Binding = write("z").whole(|a, _| if a.constant("KEEP_Z") == 0.0 { 1 } else { a.size(0) * a.size(1) });

/// The index table of a batch that is gathered.
const fn index() -> Binding {
    read_u32("index").of(Values::Index)
}

/// What of the operands of `matmul` goes into an element of the result.
fn parts(args: &Args, binding: usize, at: usize) -> [usize; 3] {
    let [m, n, k] = args.sizes();
    let (row, col) = (at / n.max(1), at % n.max(1));
    let transposed = |name: &str| args.constant(name) != 0.0;
    match (binding, transposed("TRANS_A"), transposed("TRANS_B")) {
        (0, false, _) => [row * k, 1, k],
        (0, true, _) => [row, m, k],
        (_, _, false) => [col, n, k],
        (_, _, true) => [col * k, 1, k],
    }
}

const PRODUCT: Definition = Definition {
    params: &["m", "n", "k"],
    workgroup: [8, 8, 1],
    groups: tiles,
    flops: product_flops,
    bytes: |a| 4 * elements(a),
    rounds,
    engines: true,
    corners: cases::past_the_slice,
    chosen: |shape, products| cases::choose(shape, products, [false; 2]),
    // A forward pass of a small image classifier, a layer of a wide one, a cube.
    timed: &[&[64, 128, 784], &[256, 1024, 1024], &[1024, 1024, 1024]],
    ..Definition::NEW
};

const BIAS_ACT: Definition = Definition {
    flops: |a| product_flops(a) + a.area() * if a.constant("ACT") == 0.0 { 1 } else { 2 },
    bytes: |a| 4 * (elements(a) + a.count(1) + if a.constant("KEEP_Z") == 0.0 { 0 } else { a.area() }),
    product: product(Some([false, true]), None),
    shapes: cases::forward,
    chosen: |shape, products| cases::choose(shape, products, [false, true]),
    ..PRODUCT
};

const COL_SUM: Definition = Definition {
    flops: |a| product_flops(a) + a.count(0) * a.count(2),
    bytes: |a| 4 * (elements(a) + a.count(0)),
    product: product(Some([true, false]), None),
    shapes: cases::weights,
    chosen: |shape, products| cases::choose(shape, products, [true, false]),
    ..PRODUCT
};

kernels! {
    /// y = op(a) · op(b). Shapes: y `[m, n]`; a `[m, k]` or, transposed, `[k, m]`; b `[k, n]` or, transposed, `[n, k]`.
    /// Order of sums: the crate `gemm`'s, which blocks; the bound gamma(k) holds for every order.
    matmul: "matmul.wgsl", matmul, matmul_bound, "gamma(k) * sum|a||b|" {
        bindings: &[read("a").whole(A), read("b").whole(B), write("y").matrix()],
        product: product(None, None), step_part: Some(StepPart::Product), shapes: cases::plain, parts: Some(parts),
        ..PRODUCT
    }
    /// z = x · wᵀ + b, y = activation(z). Shapes: x `[m, k]`, w `[n, k]`, b `[n]`, y `[m, n]`; z `[m, n]` where KEEP_Z
    /// is set. Order of sums: the crate `gemm`'s, then the bias.
    matmul_bias_act: "matmul_bias_act.wgsl", matmul_bias_act, matmul_bias_act_bound,
    "z: gamma(k + 1) * (sum|x||w| + |b|); y: as the activation of z" {
        bindings: &[read("x").whole(A), read("w").whole(B), read("b").columns(), write("y").matrix(), Z],
        step_part: Some(StepPart::Forward),
        ..BIAS_ACT
    }
    /// dx = (dy · w) * activation'(saved). Shapes: dy `[m, k]`, w `[k, n]`, saved and dx `[m, n]`; k is the number of
    /// the layer's outputs, n that of its inputs.
    matmul_act_grad: "matmul_act_grad.wgsl", matmul_act_grad, matmul_act_grad_bound,
    "as matmul, then as the product with the activation's derivative" {
        bindings: &[read("dy").whole(A), read("w").whole(B), read("saved").matrix().of(Values::Extreme), write("dx").matrix()],
        flops: |a| product_flops(a) + 2 * a.area(), bytes: |a| 4 * (elements(a) + a.area()),
        product: product(Some([false, false]), None), step_part: Some(StepPart::InputGradient), shapes: cases::backward,
        ..PRODUCT
    }
    /// dw = dyᵀ · x and db = column sums of dy. Shapes: dy `[k, m]`, x `[k, n]`, dw `[m, n]`, db `[m]`; k is the number
    /// of samples, m that of the layer's outputs and n that of its inputs. Order of sums: dw the crate `gemm`'s, db
    /// rising sample.
    matmul_col_sum: "matmul_col_sum.wgsl", matmul_col_sum, matmul_col_sum_bound,
    "dw: gamma(k) * sum|dy||x|; db: gamma(k) * sum|dy|" {
        bindings: &[read("dy").whole(A), read("x").whole(B).of(Values::Extreme), write("dw").matrix(), write("db")],
        step_part: Some(StepPart::WeightAndBias),
        ..COL_SUM
    }
    /// z = data\[index\] · wᵀ + b, y = activation(z). Shapes: x `[any, k]`, index `[steps, index_stride]`; the others
    /// as `matmul_bias_act`.
    gather_matmul_bias_act: "gather_matmul_bias_act.wgsl", gather_matmul_bias_act,
    gather_matmul_bias_act_bound, "as matmul_bias_act" {
        bindings: &[
            step(), index().table(|a| a.size(3)), read("x").whole(|a, _| a.size(2)).of(Values::Data), read("w").whole(B),
            read("b").columns(), write("y").matrix(), Z,
        ],
        params: &["m", "n", "k", "index_stride"],
        bytes: |a| (BIAS_ACT.bytes)(a) + 4 * a.count(0), product: product(Some([false, true]), Some(0)),
        shapes: cases::gathered_forward,
        ..BIAS_ACT
    }
    /// dw = dyᵀ · data\[index\] and db = column sums of dy. Shapes: x `[any, n]`, index `[steps, index_stride]`; the
    /// others as `matmul_col_sum`.
    gather_matmul_col_sum: "gather_matmul_col_sum.wgsl", gather_matmul_col_sum,
    gather_matmul_col_sum_bound, "as matmul_col_sum" {
        bindings: &[
            step(), index().whole(|a, steps| (steps - 1) * a.size(3) + a.size(2)), read("dy").whole(A),
            read("x").columns().of(Values::Data), write("dw").matrix(), write("db"),
        ],
        params: &["m", "n", "k", "index_stride"],
        bytes: |a| (COL_SUM.bytes)(a) + 4 * a.count(2), product: product(Some([true, false]), Some(1)),
        shapes: cases::gathered_weights,
        ..COL_SUM
    }
}

fn matmul<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (trans_a, trans_b) = (call.args.constant("TRANS_A") != 0.0, call.args.constant("TRANS_B") != 0.0);
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let sizes = call.args.sizes();
    let [y] = call.outputs();
    gemm(y, a, b, sizes, trans_a, trans_b);
}

/// The error bound.
fn matmul_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let trans = |name| call.args.constant(name) != 0.0;
    vec![product_bound(&call.inputs[0], &call.inputs[1], call.args.sizes(), trans("TRANS_A"), trans("TRANS_B"), 0)]
}

/// Error of the products op(a) · op(b) for operands that carry errors: gamma(k + extra) * sum (|a| + ea)(|b| + eb), plus
/// what the operands carried, sum (|a| + ea)(|b| + eb) - |a||b|; every product and every partial sum may be flushed.
fn product_bound(
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

pub(super) fn matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, w, b) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let (act, keep) = (Activation::of_epilogue(call.args), call.args.constant("KEEP_Z") != 0.0);
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
pub(super) fn matmul_bias_act_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
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
    let act = Activation::of_epilogue(call.args);
    let y = z.iter().zip(&error).map(|(&z, &e)| act.value_error(z, e)).collect();
    let kept = if call.args.constant("KEEP_Z") != 0.0 { error } else { vec![0.0; call.after[1].len()] };
    vec![y, kept]
}

pub(super) fn matmul_act_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (dy, w, saved) = (call.inputs[0].f(), call.inputs[1].f(), call.inputs[2].f());
    let act = Activation::of_epilogue(call.args);
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
pub(super) fn matmul_act_grad_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [dy, w, saved] = call.inputs else { unreachable!("the row has three inputs") };
    let sizes = call.args.sizes();
    let error = product_bound(dy, w, sizes, false, false, 0);
    let mut product = vec![0.0; error.len()];
    gemm(&mut product, &dy.value, &w.value, sizes, false, false);
    let act = Activation::of_epilogue(call.args);
    let rule = |i: usize| {
        let (s, es) = (saved.value[i], saved.error[i]);
        bound::product(product[i], error[i], act.derivative(s), act.derivative_error(s, es))
    };
    vec![(0..error.len()).map(rule).collect()]
}

fn matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (dy, x) = (call.inputs[0].f(), call.inputs[1].f());
    let sizes @ [m, _, k] = call.args.sizes();
    let [dw, db] = call.outputs();
    gemm(dw, dy, x, sizes, true, false);
    sum_columns(&mut db[..m], &dy[..k * m]);
}

/// The error bound: the product's; and for db what the terms carry, gamma(k), and for each term that is not 0 a partial sum
/// that may cancel to a denormal and be flushed.
fn matmul_col_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
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

/// An operand that is gathered.
#[derive(Debug, Clone, Copy)]
struct Operand {
    /// Its place among the inputs behind `step` and `index`.
    position: usize,
    /// Rows of the batch.
    rows: usize,
    /// Columns of the data set.
    cols: usize,
}

/// Runs `kernel` on the gathered operand.
fn gathered<T: Scalar>(call: &mut Call<'_, '_, T>, operand: Operand, kernel: fn(&mut Call<'_, '_, T>)) {
    let first = call.inputs[0].u()[0] as usize * call.args.size(3);
    let index = &call.inputs[1].u()[first..first + operand.rows];
    let data = call.inputs[2 + operand.position].f();
    let row = |&row: &u32| &data[row as usize * operand.cols..][..operand.cols];
    let gathered: Vec<T> = index.iter().flat_map(row).copied().collect();
    let mut inputs: Vec<In<'_, T>> = call.inputs[2..].to_vec();
    inputs[operand.position] = In::F(&gathered);
    let mut outputs: Vec<Out<'_, T>> = Vec::with_capacity(call.outputs.len());
    for output in call.outputs.iter_mut() {
        outputs.push(match output {
            Out::F(v) => Out::F(v),
            Out::U(v) => Out::U(v),
        });
    }
    kernel(&mut Call { args: call.args, inputs: &inputs, outputs: &mut outputs });
}

/// Bounds the error by `bound` on the gathered operand: gathering rounds nothing.
fn gathered_bound(
    call: &BoundCall<'_>,
    operand: Operand,
    bound: impl Fn(&BoundCall<'_>) -> Vec<Vec<f64>>,
) -> Vec<Vec<f64>> {
    let first = call.inputs[0].value[0] as usize * call.args.size(3);
    let index = &call.inputs[1].value[first..first + operand.rows];
    let gather = |values: &[f64]| {
        let row = |row: &f64| &values[*row as usize * operand.cols..][..operand.cols];
        index.iter().flat_map(row).copied().collect::<Vec<f64>>()
    };
    let mut inputs = call.inputs[2..].to_vec();
    let data = &call.inputs[2 + operand.position];
    inputs[operand.position] = Measured { value: gather(&data.value), error: gather(&data.error) };
    bound(&BoundCall { args: call.args, inputs: &inputs, before: call.before, after: call.after })
}

fn forward_batch(args: &Args) -> Operand {
    Operand { position: 0, rows: args.size(0), cols: args.size(2) }
}

fn gather_matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    gathered(call, forward_batch(call.args), matmul_bias_act);
}

fn gather_matmul_bias_act_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    gathered_bound(call, forward_batch(call.args), matmul_bias_act_bound)
}

fn backward_batch(args: &Args) -> Operand {
    Operand { position: 1, rows: args.size(2), cols: args.size(1) }
}

fn gather_matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    gathered(call, backward_batch(call.args), matmul_col_sum);
}

fn gather_matmul_col_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    gathered_bound(call, backward_batch(call.args), matmul_col_sum_bound)
}
