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
use super::call::picked;
use super::conformance::Values;
use super::cpu::elementwise::each_part;
use super::cpu::gemm::gemm;
use super::cpu::vector;
use super::definition::{
    Args, Binding, BoundCall, Call, Definition, Measured, Product, StepPart, kernels, read, read_u32, step, transposes,
    write,
};
use super::scalar::Scalar;
use super::sums::{column_bound, sum_columns};
use super::{MATMUL_SIDE, Tiling};

/// Workgroups: a tile of the result each.
fn tiles(args: &Args) -> u64 {
    let [rows, cols] = match Tiling::of(args) {
        Tiling::Tile => [4 * args.count_or("SIDE", MATMUL_SIDE as u64); 2],
        Tiling::Broadcast => ["BLOCKS", "LANES"].map(|name| 4 * args.constant(name) as u64),
    };
    args.count(0).div_ceil(rows) * args.count(1).div_ceil(cols)
}

/// Rounds of all loops of an invocation: over k, and for the stores at most one for each row of a tile and loop.
fn rounds(args: &Args) -> u64 {
    let k = args.count(2);
    match Tiling::of(args) {
        Tiling::Broadcast => k / 4 + 4 + 64,
        Tiling::Tile if args.constant("DIRECT") != 0.0 => k + 24,
        // A slice of 16: itself, at most 16 rounds of loads and 16 of products.
        Tiling::Tile => 33 * k.div_ceil(16) + 24,
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

/// A product whose operands are stored so, of which one may be gathered.
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
    match (binding, transposes(args)[binding]) {
        (0, false) => [row * k, 1, k],
        (0, true) => [row, m, k],
        (_, false) => [col, n, k],
        (_, true) => [col * k, 1, k],
    }
}

/// What all products share.
const PRODUCT: Definition = Definition {
    params: &["m", "n", "k"],
    workgroup: [8, 8, 1],
    groups: tiles,
    flops: product_flops,
    bytes: |a| 4 * elements(a),
    rounds,
    tilings: true,
    corners: cases::past_the_slice,
    chosen: |shape, products| cases::choose(shape, products, [false; 2]),
    // A forward pass of a small image classifier, a layer of a wide one, a cube.
    timed: &[&[64, 128, 784], &[256, 1024, 1024], &[1024, 1024, 1024]],
    ..Definition::NEW
};

/// The same of a forward layer.
const BIAS_ACT: Definition = Definition {
    flops: |a| product_flops(a) + a.area() * if a.constant("ACT") == 0.0 { 1 } else { 2 },
    bytes: |a| 4 * (elements(a) + a.count(1) + if a.constant("KEEP_Z") == 0.0 { 0 } else { a.area() }),
    product: product(Some([false, true]), None),
    shapes: cases::forward,
    chosen: |shape, products| cases::choose(shape, products, [false, true]),
    ..PRODUCT
};

/// The same of the gradients of a layer's parameters.
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
    let [trans_a, trans_b] = transposes(call.args);
    let (a, b) = (call.inputs[0].f(), call.inputs[1].f());
    let sizes = call.args.sizes();
    let [y] = call.outputs();
    gemm(y, a, b, sizes, trans_a, trans_b);
}

/// The error bound.
fn matmul_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    vec![product_bound([&call.inputs[0], &call.inputs[1]], call.args.sizes(), transposes(call.args), 0)]
}

/// Error of the products op(a) · op(b) for operands that carry errors: gamma(k + extra) * sum (|a| + ea)(|b| + eb), plus
/// what the operands carried, sum (|a| + ea)(|b| + eb) - |a||b|; every product and every partial sum may be flushed.
fn product_bound(
    [a, b]: [&Measured; 2],
    sizes @ [m, n, k]: [usize; 3],
    [trans_a, trans_b]: [bool; 2],
    extra: usize,
) -> Vec<f64> {
    let size = |v: &Measured| v.value.iter().map(|v| v.abs()).collect::<Vec<f64>>();
    let reach = |v: &Measured| v.value.iter().zip(&v.error).map(|(v, e)| v.abs() + e).collect::<Vec<f64>>();
    let (mut plain, mut carried) = (vec![0.0; m * n], vec![0.0; m * n]);
    gemm(&mut plain, &size(a), &size(b), sizes, trans_a, trans_b);
    gemm(&mut carried, &reach(a), &reach(b), sizes, trans_a, trans_b);
    let rule = |(p, c): (&f64, &f64)| (c - p).max(0.0) + bound::gamma(k + extra) * c + 2.0 * (k + extra) as f64 * TINY;
    plain.iter().zip(&carried).map(rule).collect()
}

fn matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    forward(call.args, [0, 1, 2].map(|i| call.inputs[i].f()), call.outputs());
}

fn gather_matmul_bias_act<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [m, _, k, stride] = call.args.sizes();
    let x = picked(call.inputs[2].f(), call.index(m, stride), k);
    forward(call.args, [&x, call.inputs[3].f(), call.inputs[4].f()], call.outputs());
}

/// `matmul_bias_act` of x, w and b.
pub(super) fn forward<T: Scalar>(args: &Args, [x, w, b]: [&[T]; 3], [y, z]: [&mut [T]; 2]) {
    let act = Activation::of_epilogue(args);
    let sizes @ [_, n, _] = args.sizes();
    gemm(y, x, w, sizes, false, true);
    if args.constant("KEEP_Z") != 0.0 {
        each_part([y, z], [], n, |_, [y, z], []| {
            vector::add_to_rows(y, b);
            z.copy_from_slice(y);
            act.apply(y);
        });
    } else {
        each_part([y], [], n, |_, [y], []| {
            vector::add_to_rows(y, b);
            act.apply(y);
        });
    }
}

fn matmul_bias_act_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [x, w, b] = call.inputs else { unreachable!("the row has three inputs") };
    forward_bound(call.args, [x, w, b], call.after[1].len())
}

fn gather_matmul_bias_act_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [m, _, k, stride] = call.args.sizes();
    let x = call.inputs[2].picked(call.index(m, stride), k);
    forward_bound(call.args, [&x, &call.inputs[3], &call.inputs[4]], call.after[1].len())
}

/// The error bound of [`forward`]: of z, `kept` of which are written, then of the activation at a z that carries it.
pub(super) fn forward_bound(args: &Args, [x, w, b]: [&Measured; 3], kept: usize) -> Vec<Vec<f64>> {
    let sizes @ [_, n, k] = args.sizes();
    let products = product_bound([x, w], sizes, [false, true], 1);
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
    let act = Activation::of_epilogue(args);
    let y = z.iter().zip(&error).map(|(&z, &e)| act.value_error(z, e)).collect();
    vec![y, if args.constant("KEEP_Z") != 0.0 { error } else { vec![0.0; kept] }]
}

fn matmul_act_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (args, inputs) = (call.args, [0, 1, 2].map(|i| call.inputs[i].f()));
    let [dx] = call.outputs();
    input_gradient(args, inputs, dx);
}

/// `matmul_act_grad` of dy, w and saved.
pub(super) fn input_gradient<T: Scalar>(args: &Args, [dy, w, saved]: [&[T]; 3], dx: &mut [T]) {
    let act = Activation::of_epilogue(args);
    gemm(dx, dy, w, args.sizes(), false, false);
    each_part([dx], [saved], 1, |_, [dx], [saved]| act.multiply_derivative(dx, saved));
}

fn matmul_act_grad_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [dy, w, saved] = call.inputs else { unreachable!("the row has three inputs") };
    vec![input_gradient_bound(call.args, [dy, w, saved])]
}

/// The error bound of [`input_gradient`]: the product's, joined with the derivative's by the product rule.
pub(super) fn input_gradient_bound(args: &Args, [dy, w, saved]: [&Measured; 3]) -> Vec<f64> {
    let sizes = args.sizes();
    let error = product_bound([dy, w], sizes, [false; 2], 0);
    let mut product = vec![0.0; error.len()];
    gemm(&mut product, &dy.value, &w.value, sizes, false, false);
    let act = Activation::of_epilogue(args);
    let rule = |i: usize| {
        let (s, es) = (saved.value[i], saved.error[i]);
        bound::product(product[i], error[i], act.derivative(s), act.derivative_error(s, es))
    };
    (0..error.len()).map(rule).collect()
}

fn matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    weight_gradient(call.args, [0, 1].map(|i| call.inputs[i].f()), call.outputs());
}

fn gather_matmul_col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, n, k, stride] = call.args.sizes();
    let x = picked(call.inputs[3].f(), call.index(k, stride), n);
    weight_gradient(call.args, [call.inputs[2].f(), &x], call.outputs());
}

/// `matmul_col_sum` of dy and x.
fn weight_gradient<T: Scalar>(args: &Args, [dy, x]: [&[T]; 2], [dw, db]: [&mut [T]; 2]) {
    let sizes @ [m, _, k] = args.sizes();
    gemm(dw, dy, x, sizes, true, false);
    sum_columns(&mut db[..m], &dy[..k * m]);
}

fn matmul_col_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    weight_gradient_bound(call.args, &call.inputs[0], &call.inputs[1])
}

fn gather_matmul_col_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, n, k, stride] = call.args.sizes();
    weight_gradient_bound(call.args, &call.inputs[2], &call.inputs[3].picked(call.index(k, stride), n))
}

/// The error bound of [`weight_gradient`]: the product's; and that of the column sums.
fn weight_gradient_bound(args: &Args, dy: &Measured, x: &Measured) -> Vec<Vec<f64>> {
    let sizes @ [m, _, k] = args.sizes();
    vec![product_bound([dy, x], sizes, [true, false], 0), column_bound(dy, [k, m], k)]
}
