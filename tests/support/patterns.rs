//! Networks that have every fusion pattern, and the comparison of their fused and unfused plans.

use super::problem::{ACTIVATIONS, ADAMW, MOMENTUM, Problem, SGD, network, read};
use wgrad::compare::compare;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};
use wgrad::kernels::Kernel;
use wgrad::plan::{Extras, Limits, Options, Products};

pub fn options(fuse: bool) -> Options {
    Options { fuse, ..Options::new("train", 1) }
}

/// All patterns, also those that are for adapters alone, with room for their bindings.
pub fn with_extras(products: Products) -> Options {
    let limits = Limits { max_storage_buffers_per_shader_stage: 10, ..Limits::WEBGPU };
    Options { limits, products, extras: Extras { gather: true, head: true, strips: true }, ..options(true) }
}

/// Classifiers that end in one dispatch: one to 16 classes, batches around a workgroup, every activation before the last
/// layer, which has a bias; after them, one that must not: each for another reason.
pub fn classifiers() -> Vec<(Problem, bool)> {
    let last = |act| [Activation::Tanh, act, Activation::Identity];
    let classifier = |i: usize, widths: &[usize], act: Activation| {
        let net = network(widths, &last(act), &[true], Loss::cross_entropy());
        Problem::new(net, [SGD, MOMENTUM, ADAMW][i % 3], 23, 5 + 4 * i, 50 + i as u64)
    };
    let elementwise = ACTIVATIONS.into_iter().filter(|a| !matches!(a, Activation::Softmax | Activation::Identity));
    let mut problems: Vec<(Problem, bool)> = elementwise
        .enumerate()
        .map(|(i, act)| (classifier(i, &[7, 12, 4 * (i + 1), 2 * i + 1], act), 2 * i < 16))
        .collect();
    let mut unfit = |widths: &[usize], act| problems.push((classifier(2, widths, act), false));
    unfit(&[7, 12, 10, 5], Activation::Tanh);
    unfit(&[7, 12, 8, 17], Activation::Tanh);
    unfit(&[7, 12, 8, 5], Activation::Softmax);
    unfit(&[7, 12, 8, 5], Activation::Identity);
    problems
}

/// Each activation in the first, a middle and the last layer, with and without bias.
pub fn layered() -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, act) in ACTIVATIONS.into_iter().enumerate() {
        for bias in [&[true][..], &[false], &[true, false]] {
            let activations = [act, Activation::Tanh, act];
            let loss = [Loss::Mse, Loss::HalfSquaredError, Loss::cross_entropy()][(i + bias.len()) % 3];
            let net = network(&[7, 33, 31, 5], &activations, bias, loss);
            problems.push(Problem::new(net, [SGD, MOMENTUM, ADAMW][i % 3], 23, 37, i as u64));
        }
    }
    problems
}

/// Checks both plans, their products as `products` says, against their judges and against each other; gives the largest difference between them, in bounds.
pub fn agree(device: &Device, problem: &Problem, products: Products) -> f64 {
    agree_with(device, problem, products, &Options { products, ..options(true) })
}

/// As [`agree`], the fused plan as `fused` says.
pub fn agree_with(device: &Device, problem: &Problem, products: Products, fused: &Options) -> f64 {
    let (fused, unfused) = (problem.plan(fused), problem.plan(&Options { products, ..options(false) }));
    let parts = |k: Kernel| matches!(k.name, "matmul_bias_act" | "matmul_act_grad" | "matmul_col_sum");
    assert!(unfused.dispatches.iter().all(|d| !parts(d.kernel)), "the unfused plan is fused");
    let biased = problem.network.layers.iter().any(wgrad::model::Layer::has_bias);
    assert!(!biased || fused.dispatches.len() < unfused.dispatches.len(), "the fused plan is not");
    let [judge_fused, judge_unfused] = [&fused, &unfused].map(|p| problem.judge(p));
    let [mut on_fused, mut on_unfused] = [&fused, &unfused].map(|p| problem.step(device, p));
    let mut worst: f64 = 0.0;
    for name in problem.results().into_iter().chain(["loss".to_string()]) {
        let (f, u) = (read(&mut on_fused, &name), read(&mut on_unfused, &name));
        let (jf, ju) = (judge_fused.read(&name).unwrap(), judge_unfused.read(&name).unwrap());
        let shape = [f.len()];
        let sum: Vec<f64> = jf.error.iter().zip(&ju.error).map(|(a, b)| a + b).collect();
        for c in [
            compare("fused against the judge", &shape, &jf.value, &f, &jf.error),
            compare("unfused against the judge", &shape, &ju.value, &u, &ju.error),
            compare("fused against unfused", &shape, &u, &f, &sum),
        ] {
            assert!(c.passed, "{:?} {name}: {}: {:?}", problem.network, c.name, c.fault);
            if c.name == "fused against unfused" {
                worst = worst.max(c.max_ratio);
            }
        }
    }
    worst
}
