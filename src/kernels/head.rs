//! The end of a classifier in one dispatch: the last layer, its loss and the gradient of its input, which cross_entropy stands
//! between.

use super::activation::Activation;
use super::bound::flushable;
use super::conformance::{Case, DATA_ROWS, Scale, Shape, Values, padded_nan, repeated};
use super::definition::{
    Args, BoundCall, Call, Definition, In, Measured, Out, Param, kernels, read, read_u32, step, write,
};
use super::loss::cross_entropy;
use super::philox::Philox;
use super::product::{
    Products, matmul_act_grad, matmul_act_grad_bound, matmul_bias_act, matmul_bias_act_bound, product_flops,
};
use super::scalar::Scalar;

/// Rows of a workgroup: the constant WIDTH, or its default in the shader.
fn width(args: &Args) -> u64 {
    match args.constant("WIDTH") as u64 {
        0 => 8,
        width => width,
    }
}

/// Rounds of all loops of an invocation for `width` rows a workgroup: the logits, a word of inputs a round; then a word of every
/// column of the weight and a row's gradient a round, for each pass over the inputs; and three loops over columns.
pub fn rounds([_, n, k]: [usize; 3], width: usize) -> u64 {
    let width = width.max(1);
    (k / 4 + k.div_ceil(4 * width) * (1 + n + width) + 8 * n) as u64
}

kernels! {
    /// Logits of the last layer, cross entropy and the gradients by the logits and the layer's input. Shapes: x, saved,
    /// dx `[m, k]`; layer: w `[n, k]` and, from `bias_at` on, b `[n]`; target `[any]`, of which this step's row of the
    /// index table picks m; loss `[m]`, dz `[m, n]`. It is the kernels `matmul_bias_act`, `cross_entropy` and
    /// `matmul_act_grad` one after the other; only the judge and tests run it, so that it may allocate.
    dense_cross_entropy: "dense_cross_entropy.wgsl", dense_cross_entropy, dense_cross_entropy_bound,
    "as matmul_bias_act, cross_entropy and matmul_act_grad, one after the other" {
        bindings: &[
            step(), read_u32("index").table(|a| a.size(3)).of(Values::Index), read("x").rows(|a| a.size(2)),
            read("layer").whole(|a, _| a.size(5) + a.size(1)), read_u32("target_class").one().of(Values::Own(classes)),
            read("upstream").table(|a| a.size(4)).of(Values::Weight), read("saved").rows(|a| a.size(2)).of(Values::Extreme),
            write("loss"), write("dz").matrix(), write("dx").rows(|a| a.size(2)),
        ],
        params: &["m", "n", "k", "index_stride", "upstream_stride", "bias_at"],
        workgroup: [8, 1, 1],
        groups: |a| a.count(0).div_ceil(width(a)),
        flops: |a| 2 * product_flops(a) + 7 * a.area() + 2 * a.count(0) * a.count(2),
        bytes: |a| {
            let [m, n, k] = a.sizes().map(|size| size as u64);
            4 * (3 * m * k + n * k + n + m * n + 4 * m)
        },
        rounds: |a| rounds(a.sizes(), a.constant("WIDTH") as usize),
        engines: true,
        shapes,
        corners: padded_nan,
        chosen: choose,
        // The ends of a small classifier and of a wide one.
        timed: &[&[64, 10, 128], &[256, 10, 1024]],
        ..Definition::NEW
    }
}

/// The arguments of the three kernels.
struct Parts {
    dense: Args,
    loss: Args,
    grad: Args,
}

fn parts(args: &Args) -> Parts {
    let [m, n, k, _, upstream_stride, _] = args.sizes();
    let of = |sizes: [usize; 3]| sizes.map(|s| Param::U(s as u32)).to_vec();
    let only = |names: &[&str]| args.constants.iter().filter(|(name, _)| names.contains(name)).copied().collect();
    let act = only(&["ACT", "SLOPE"]);
    Parts {
        dense: Args { params: of([m, n, k]), constants: Vec::new() },
        loss: Args { params: of([m, n, upstream_stride]), constants: only(&[cross_entropy::SMOOTHING]) },
        grad: Args { params: of([m, k, n]), constants: act },
    }
}

fn dense_cross_entropy<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [m, n, k, stride, _, bias_at] = call.args.sizes();
    let parts = parts(call.args);
    let inputs = call.inputs;
    let first = inputs[0].u()[0] as usize * stride;
    let classes: Vec<u32> = inputs[1].u()[first..first + m].iter().map(|i| inputs[4].u()[*i as usize]).collect();
    let layer = inputs[3].f();
    let (w, b) = (&layer[..n * k], &layer[bias_at..bias_at + n]);
    let (mut z, mut unused) = (vec![T::zero(); m * n], [T::zero()]);
    let dense = [inputs[2], In::F(w), In::F(b)];
    let mut outputs = [Out::F(&mut z), Out::F(&mut unused)];
    matmul_bias_act(&mut Call { args: &parts.dense, inputs: &dense, outputs: &mut outputs });
    let [loss, dz, dx] = call.outputs();
    let losses = [inputs[0], In::F(&z), In::U(&classes), inputs[5]];
    let mut outputs = [Out::F(loss), Out::F(&mut *dz)];
    cross_entropy::cross_entropy(&mut Call { args: &parts.loss, inputs: &losses, outputs: &mut outputs });
    let grads = [In::F(&*dz), In::F(w), inputs[6]];
    let mut outputs = [Out::F(dx)];
    matmul_act_grad(&mut Call { args: &parts.grad, inputs: &grads, outputs: &mut outputs });
}

/// The error bound: those of the three kernels, each on what the one before leaves.
fn dense_cross_entropy_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [m, n, k, stride, _, bias_at] = call.args.sizes();
    let parts = parts(call.args);
    let [step, index, x, layer, target, upstream, saved] = call.inputs else {
        unreachable!("the row has seven inputs")
    };
    let part = |from: usize, len: usize| Measured {
        value: layer.value[from..from + len].to_vec(),
        error: layer.error[from..from + len].to_vec(),
    };
    let (w, b) = (part(0, n * k), part(bias_at, n));
    let first = step.value[0] as usize * stride;
    let classes: Vec<f64> = index.value[first..first + m].iter().map(|i| target.value[*i as usize]).collect();
    let classes = Measured { error: vec![0.0; m], value: classes };

    let (mut z, mut unused) = (vec![0.0; m * n], [0.0]);
    let dense = [In::F(&x.value), In::F(&w.value), In::F(&b.value)];
    let mut outputs = [Out::F(&mut z), Out::F(&mut unused)];
    matmul_bias_act(&mut Call { args: &parts.dense, inputs: &dense, outputs: &mut outputs });
    let after = [z.clone(), vec![0.0]];
    let inputs = [x.clone(), w.clone(), b];
    let errors = matmul_bias_act_bound(&BoundCall { args: &parts.dense, inputs: &inputs, before: &[], after: &after });
    let pred = flushable(Measured { value: z, error: errors[0].clone() });

    let inputs = [step.clone(), pred, classes, upstream.clone()];
    let losses = BoundCall { args: &parts.loss, inputs: &inputs, before: &[], after: &call.after[..2] };
    let [loss, dz] = <[Vec<f64>; 2]>::try_from(cross_entropy::bound(&losses)).unwrap_or_default();
    let dy = flushable(Measured { value: call.after[1].clone(), error: dz.clone() });
    let inputs = [dy, w, saved.clone()];
    let grad = BoundCall { args: &parts.grad, inputs: &inputs, before: &[], after: &call.after[2..] };
    [loss, dz].into_iter().chain(matmul_act_grad_bound(&grad)).collect()
}

/// Classes of a data set.
fn classes(case: &Case, _len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    repeated(DATA_ROWS, || f64::from(rng.below(case.args.size(1) as u32)))
}

/// Rows around a workgroup, columns around each group of four, inputs of one word, around a pass of the workgroup and odd
/// numbers of words; the bias right behind the weight or further on.
fn shapes(lanes: Option<u32>) -> Vec<Shape> {
    const SIZES: [[usize; 3]; 10] = [
        [1, 1, 4],
        [7, 2, 28],
        [8, 10, 32],
        [9, 16, 36],
        [31, 3, 64],
        [64, 10, 128],
        [17, 5, 12],
        [3, 13, 100],
        [16, 8, 68],
        [5, 4, 60],
    ];
    let acts: Vec<Activation> = Activation::element_wise().collect();
    let shape = |i: usize, [m, n, k]: [usize; 3], own: &[(&'static str, f64)]| {
        let strides = [m + [0, 3][i % 2], [m, m + 3, 0][i % 3], n * k + [0, 7][i % 2]];
        let act = acts[(i + own.len()) % acts.len()].epilogue();
        Shape::of(&[m, n, k]).and(&strides.map(|s| Param::U(s as u32))).with(&act).with(&[("COLS", n as f64)]).with(own)
    };
    let mut ways: Vec<Vec<(&'static str, f64)>> = vec![vec![("WIDTH", 8.0)], vec![("WIDTH", 4.0)]];
    ways.extend(lanes.map(f64::from).map(|lanes| vec![("WIDTH", lanes), ("SUBGROUP", lanes)]));
    let mut shapes = Vec::new();
    for own in &ways {
        shapes.extend(SIZES.iter().enumerate().map(|(i, sizes)| shape(i, *sizes, own)));
        shapes.push(shape(0, [97, 6, 24], own).folded(5));
        shapes.push(shape(1, [19, 10, 32], own).with(&[("SMOOTHING", 0.1)]));
    }
    shapes
}

/// The bias right behind the weight, and the constants for these sizes.
fn choose(shape: &mut Shape, products: Products) {
    let size = |i: usize| if let Param::U(size) = shape.params[i] { size } else { 0 };
    let [n, k] = [size(1), size(2)];
    shape.params[5] = Param::U(n * k);
    shape.constants.retain(|(name, _)| !matches!(*name, "COLS" | "WIDTH"));
    shape.constants.push(("COLS", f64::from(n)));
    shape.constants.extend(products.lanes.iter().flat_map(|l| ["WIDTH", "SUBGROUP"].map(|name| (name, f64::from(*l)))));
}
