//! The end of a classifier in one dispatch: the last layer, its loss and the gradient of its input, which cross_entropy stands
//! between.

use super::bound::flushable;
use super::definition::{Args, BoundCall, Call, Definition, In, Measured, Out, Param, kernels, read, read_u32, write};
use super::loss::cross_entropy;
use super::product::{matmul_act_grad, matmul_act_grad_bound, matmul_bias_act, matmul_bias_act_bound, product_flops};
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
    /// logits of the last layer, cross entropy and the gradients by the logits and the layer's input. Shapes: x, saved,
    /// dx `[m, k]`; layer: w `[n, k]` and, from `bias_at` on, b `[n]`; target `[any]`, of which this step's row of the
    /// index table picks m; loss `[m]`, dz `[m, n]`. It is the kernels `matmul_bias_act`, `cross_entropy` and
    /// `matmul_act_grad` one after the other; only the judge and tests run it, so that it may allocate.
    dense_cross_entropy: "dense_cross_entropy.wgsl", dense_cross_entropy, dense_cross_entropy_bound,
    "as matmul_bias_act, cross_entropy and matmul_act_grad, one after the other" {
        bindings: &[
            read_u32("step"), read_u32("index"), read("x"), read("layer"), read_u32("target_class"), read("upstream"), read("saved"),
            write("loss"), write("dz"), write("dx"),
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
