//! Fused and unfused plans of a network agree within their bounds; plans that keep every value change no bit.

use crate::support;

use std::collections::BTreeSet;
use support::patterns::{agree, agree_with, classifiers, layered, options, with_extras};
use support::problem::{MOMENTUM, Problem, SGD, network, read};
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};
use wgrad::kernels::Kernel;
use wgrad::plan::{Limits, Options, Plan, Products};

/// Which fused dispatches a plan has: kernel, activation, whether the pre-activation is kept.
fn fused_dispatches(plan: &Plan) -> impl Iterator<Item = (Kernel, u32, bool)> {
    let fused = |k: Kernel| matches!(k.name, "matmul_bias_act" | "matmul_act_grad");
    plan.dispatches.iter().filter(move |d| fused(d.kernel)).map(|d| {
        let code = Activation::of_epilogue(&d.args).code();
        (d.kernel, code, d.args.constant("KEEP_Z") != 0.0)
    })
}

#[test]
fn every_pattern_agrees_with_its_parts_on_the_cpu() {
    let mut seen = BTreeSet::new();
    let mut worst: f64 = 0.0;
    for problem in layered() {
        seen.extend(fused_dispatches(&problem.plan(&options(true))));
        worst = worst.max(agree(&Device::cpu(), &problem, Products::default()));
    }
    println!("largest difference / bound {worst:.4}");
    // Every element-wise activation inside a forward and a backward product, kept and not.
    for activation in Activation::element_wise() {
        let code = activation.code();
        assert!(seen.iter().any(|(k, c, _)| *k == Kernel::matmul_bias_act && *c == code), "forward, ACT {code}");
        // The derivative of the identity is never taken.
        let backward = seen.iter().any(|(k, c, _)| *k == Kernel::matmul_act_grad && *c == code);
        let identity = activation == Activation::Identity;
        assert_eq!(backward, !identity, "backward, ACT {code}");
        // relu and leaky_relu are differentiated at their output.
        let kept = seen.contains(&(Kernel::matmul_bias_act, code, true));
        assert_eq!(kept, !identity && !activation.keeps_sign(), "kept, ACT {code}");
    }
}

#[test]
fn random_networks_agree_fused_and_unfused_on_the_cpu() {
    let worst =
        (0..60).map(|seed| agree(&Device::cpu(), &Problem::random(seed), Products::default())).fold(0.0, f64::max);
    println!("largest difference / bound {worst:.4}");
}

/// How adapters of a fixed subgroup size multiply.
const LANES: Products = Products { direct: true, lanes: Some(8) };

#[test]
fn patterns_for_adapters_agree_with_their_parts_on_the_cpu() {
    let mut worst: f64 = 0.0;
    for (problem, ends) in classifiers() {
        let options = with_extras(LANES);
        let plan = problem.plan(&options);
        let has = |kernel: Kernel| plan.dispatches.iter().any(|d| d.kernel == kernel);
        assert_eq!(has(Kernel::dense_cross_entropy), ends, "{:?}", problem.network.layers);
        assert!(has(Kernel::gather_matmul_bias_act) && has(Kernel::gather_matmul_col_sum));
        assert!(!plan.dispatches.iter().any(|d| d.kernel == Kernel::gather_rows && d.label == "batch.x"));
        worst = worst.max(agree_with(&Device::cpu(), &problem, LANES, &options));
    }
    for problem in layered().into_iter().chain((0..30).map(Problem::random)) {
        worst = worst.max(agree_with(&Device::cpu(), &problem, LANES, &with_extras(LANES)));
    }
    println!("largest difference / bound {worst:.4}");
}

#[test]
fn a_batch_that_another_node_reads_is_gathered_once() {
    // The first layer has no bias: its product is no pattern, and reads the batch at its place.
    let net = network(&[8, 8, 4], &[Activation::Tanh, Activation::Identity], &[false, true], Loss::cross_entropy());
    let plan = Problem::new(net, SGD, 9, 8, 1).plan(&with_extras(LANES));
    assert!(plan.dispatches.iter().any(|d| d.kernel == Kernel::gather_rows && d.label == "batch.x"));
    assert!(plan.dispatches.iter().all(|d| !d.kernel.gathers()));
}

#[test]
fn the_end_of_a_classifier_stays_apart_where_it_does_not_fit() {
    let net = network(&[8, 128, 4], &[Activation::Tanh, Activation::Identity], &[true], Loss::cross_entropy());
    let problem = Problem::new(net, SGD, 9, 8, 1);
    let has =
        |options: &Options| problem.plan(options).dispatches.iter().any(|d| d.kernel == Kernel::dense_cross_entropy);
    assert!(has(&with_extras(LANES)));
    assert!(!has(&Options { limits: Limits::WEBGPU, ..with_extras(LANES) }));
    assert!(!has(&with_extras(Products::default())));
    // An invocation takes 32 rounds for the logits, 4 times 1 + 4 + 8 for the gradients and 8 for each of the 4 columns.
    let rounds = |max_loop_rounds| Limits { max_loop_rounds, ..with_extras(LANES).limits };
    assert!(has(&Options { limits: rounds(116), ..with_extras(LANES) }));
    assert!(!has(&Options { limits: rounds(115), ..with_extras(LANES) }));
}

#[test]
fn the_judge_finds_a_fused_plan_of_another_network() {
    // Negative control: the two plans must not be comparable when they are not of the same network.
    let right = Problem::new(
        network(&[5, 7, 3], &[Activation::Tanh, Activation::Identity], &[true], Loss::Mse),
        MOMENTUM,
        9,
        8,
        1,
    );
    let mut wrong = right.clone();
    wrong.network.layers[0].activation = Activation::GeluTanh;
    let found = read(&mut wrong.step(&Device::cpu(), &wrong.plan(&options(true))), "grad.layers.0.weight");
    let judged = right.judge(&right.plan(&options(false))).read("grad.layers.0.weight").unwrap();
    let same = found.iter().zip(&judged.value).zip(&judged.error).all(|((f, e), b)| (f - e).abs() <= *b);
    assert!(!same);
}

#[test]
fn keeping_every_value_changes_no_bit_on_the_cpu() {
    for seed in 100..140 {
        let problem = Problem::random(seed);
        for fuse in [true, false] {
            let lean = problem.plan(&options(fuse));
            let full = problem.plan(&Options { keep_all: true, ..options(fuse) });
            assert!(full.size_bytes() >= lean.size_bytes());
            let (mut a, mut b) = (problem.step(&Device::cpu(), &lean), problem.step(&Device::cpu(), &full));
            for name in problem.results() {
                let bits = |v: Vec<f64>| v.into_iter().map(f64::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(read(&mut a, &name)), bits(read(&mut b, &name)), "seed {seed} fuse {fuse}: {name}");
            }
        }
    }
}

/// Kernel and label of every dispatch.
fn listing(plan: &Plan) -> String {
    plan.dispatches.iter().map(|d| format!("{} {}\n", d.kernel.name, d.label)).collect()
}

#[test]
fn the_digits_network_takes_these_dispatches() {
    let net = network(&[64, 64, 10], &[Activation::Tanh, Activation::Identity], &[true], Loss::cross_entropy());
    let problem = Problem::new(net, MOMENTUM, 1438, 32, 1);
    let fused = "\
gather_rows batch.x
matmul_bias_act layers.0
matmul_bias_act layers.1
gather_rows batch.target
cross_entropy loss
matmul_col_sum layers.1.weight.grad
matmul_act_grad layers.0.activation.grad
matmul_col_sum layers.0.weight.grad
sgd_momentum_step optimizer
sgd_momentum_step optimizer
weighted_sum loss.mean
";
    assert_eq!(listing(&problem.plan(&options(true))), fused);
    let adapters = "\
gather_matmul_bias_act layers.0
dense_cross_entropy loss
matmul_col_sum layers.1.weight.grad
gather_matmul_col_sum layers.0.weight.grad
sgd_momentum_step optimizer
sgd_momentum_step optimizer
weighted_sum loss.mean
";
    assert_eq!(listing(&problem.plan(&with_extras(LANES))), adapters);
    let unfused = "\
gather_rows batch.x
matmul layers.0
add_bias layers.0
tanh layers.0
matmul layers.1
add_bias layers.1
gather_rows batch.target
cross_entropy loss
col_sum layers.1.bias.grad
matmul layers.1.input.grad
matmul layers.1.weight.grad
tanh_grad layers.0.activation.grad
col_sum layers.0.bias.grad
matmul layers.0.weight.grad
sgd_momentum_step optimizer
sgd_momentum_step optimizer
weighted_sum loss.mean
";
    assert_eq!(listing(&problem.plan(&options(false))), unfused);
}
