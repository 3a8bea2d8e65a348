//! The end of a classifier in one dispatch: the last layer, its loss and the gradient of its input, which cross_entropy stands
//! between.

use super::activation::Activation;
use super::bound::flushable;
use super::call::picked;
use super::conformance::{Case, DATA_ROWS, Scale, Shape, Values, padded_nan, repeated};
use super::definition::{
    Args, BoundCall, Call, Definition, In, Measured, Out, Param, kernels, read, read_u32, step, write,
};
use super::loss::cross_entropy;
use super::philox::Philox;
use super::product::{Products, forward, forward_bound, input_gradient, input_gradient_bound, product_flops};
use super::scalar::Scalar;

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
        // Rows of a workgroup.
        groups: |a| a.count(0).div_ceil(a.count_or("WIDTH", 8)),
        flops: |a| 2 * product_flops(a) + 7 * a.area() + 2 * a.count(0) * a.count(2),
        bytes: |a| {
            let [m, n, k] = a.sizes().map(|size| size as u64);
            4 * (3 * m * k + n * k + n + m * n + 4 * m)
        },
        rounds: |a| rounds(a.sizes(), a.constant("WIDTH") as usize),
        tilings: true,
        shapes,
        corners: padded_nan,
        chosen: choose,
        // The ends of a small classifier and of a wide one.
        timed: &[&[64, 10, 128], &[256, 10, 1024]],
        ..Definition::NEW
    }
}

/// The arguments of `matmul_bias_act`, `cross_entropy` and `matmul_act_grad`.
fn parts(args: &Args) -> [Args; 3] {
    let [m, n, k, _, upstream_stride, _] = args.sizes();
    let of = |sizes: [usize; 3]| sizes.map(|s| Param::U(s as u32)).to_vec();
    let only = |names: &[&str]| args.constants.iter().filter(|(name, _)| names.contains(name)).copied().collect();
    [
        Args { params: of([m, n, k]), constants: Vec::new() },
        Args { params: of([m, n, upstream_stride]), constants: only(&[cross_entropy::SMOOTHING]) },
        Args { params: of([m, k, n]), constants: only(&["ACT", "SLOPE"]) },
    ]
}

fn dense_cross_entropy<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [m, n, k, stride, _, bias_at] = call.args.sizes();
    let [dense_args, loss_args, grad_args] = parts(call.args);
    let inputs = call.inputs;
    let classes = picked(inputs[4].u(), call.index(m, stride), 1);
    let layer = inputs[3].f();
    let (w, b) = (&layer[..n * k], &layer[bias_at..bias_at + n]);
    let mut z = vec![T::zero(); m * n];
    forward(&dense_args, [inputs[2].f(), w, b], [&mut z, &mut []]);
    let [loss, dz, dx] = call.outputs();
    let losses = [inputs[0], In::F(&z), In::U(&classes), inputs[5]];
    let mut outputs = [Out::F(loss), Out::F(&mut *dz)];
    cross_entropy::cross_entropy(&mut Call { args: &loss_args, inputs: &losses, outputs: &mut outputs });
    input_gradient(&grad_args, [dz, w, inputs[6].f()], dx);
}

/// The error bound: those of the three kernels, each on what the one before leaves.
fn dense_cross_entropy_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [m, n, k, stride, _, bias_at] = call.args.sizes();
    let [dense_args, loss_args, grad_args] = parts(call.args);
    let [step, _, x, layer, target, upstream, saved] = call.inputs else { unreachable!("the row has seven inputs") };
    let part = |from: usize, len: usize| Measured {
        value: layer.value[from..from + len].to_vec(),
        error: layer.error[from..from + len].to_vec(),
    };
    let (w, b) = (part(0, n * k), part(bias_at, n));
    let classes = target.picked(call.index(m, stride), 1);

    let mut z = vec![0.0; m * n];
    forward(&dense_args, [&x.value, &w.value, &b.value], [&mut z, &mut []]);
    let error = forward_bound(&dense_args, [x, &w, &b], 0).swap_remove(0);
    let pred = flushable(Measured { value: z, error });

    let inputs = [step.clone(), pred, classes, upstream.clone()];
    let losses = BoundCall { args: &loss_args, inputs: &inputs, before: &[], after: &call.after[..2] };
    let [loss, dz] = <[Vec<f64>; 2]>::try_from(cross_entropy::bound(&losses)).unwrap_or_default();
    let dy = flushable(Measured { value: call.after[1].clone(), error: dz.clone() });
    vec![loss, dz, input_gradient_bound(&grad_args, [&dy, &w, saved])]
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
    let args = &mut shape.args;
    let [_, n, k] = args.sizes();
    args.params[5] = Param::U((n * k) as u32);
    args.constants.retain(|(name, _)| !matches!(*name, "COLS" | "WIDTH"));
    args.constants.push(("COLS", n as f64));
    args.constants.extend(products.lanes.iter().flat_map(|l| ["WIDTH", "SUBGROUP"].map(|name| (name, f64::from(*l)))));
}
