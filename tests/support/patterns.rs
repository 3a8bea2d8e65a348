//! Networks that have every fusion pattern, and the comparison of their fused and unfused plans.

use super::problem::{ACTIVATIONS, ADAMW, MOMENTUM, Problem, SGD, network, read};
use wgrad::compare::compare;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};
use wgrad::kernels::Kernel;
use wgrad::plan::{Options, Products};

pub fn options(fuse: bool) -> Options {
    Options { fuse, ..Options::new("train", 1) }
}

/// Each activation in the first, a middle and the last layer, with and without bias.
pub fn layered() -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, act) in ACTIVATIONS.into_iter().enumerate() {
        for bias in [&[true][..], &[false], &[true, false]] {
            let activations = [act, Activation::Tanh, act];
            let loss = [Loss::Mse, Loss::HalfSquaredError, Loss::CrossEntropy][(i + bias.len()) % 3];
            let net = network(&[7, 33, 31, 5], &activations, bias, loss);
            problems.push(Problem::new(net, [SGD, MOMENTUM, ADAMW][i % 3], 23, 37, i as u64));
        }
    }
    problems
}

/// Checks both plans, their products as `products` says, against their judges and against each other; gives the largest difference between them, in bounds.
pub fn agree(device: &Device, problem: &Problem, products: Products) -> f64 {
    let [fused, unfused] = [true, false].map(|fuse| problem.plan(&Options { products, ..options(fuse) }));
    let parts = |k: Kernel| matches!(k, Kernel::matmul_bias_act | Kernel::matmul_act_grad | Kernel::matmul_col_sum);
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
