//! What is larger than a binding or a buffer of the adapter is divided: by artificially small limits, on the CPU.

use crate::support;

use support::divided::{agree, divided, sizes};
use support::problem::{ACTIVATIONS, ADAMW, MOMENTUM, Problem, SGD, network, read};
use wgrad::Error;
use wgrad::data::Dataset;
use wgrad::data::RowTargets;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Clip, Loss, Optimizer, Schedule, UpdateRule};
use wgrad::kernels::{Kernel, Param};
use wgrad::model::init::initial_parameters;
use wgrad::nn::{Dropout, Layer, LayerNorm, Network, Samples, Tensor};
use wgrad::plan::{Dispatch, Limits, Options, Plan, lower};
use wgrad::testing::exec::memory::{available, check_against};
use wgrad::testing::train::samples::SampleSet;
use wgrad::train::{Engine, Roles};

fn kernels(plan: &Plan) -> Vec<Kernel> {
    plan.dispatches.iter().map(|d| d.kernel).collect()
}

/// A binding of `elements` numbers, a buffer of so many times as much.
fn limits(elements: usize, bindings: usize) -> Limits {
    let bytes = 4 * elements as u64;
    let max_buffer_size_bytes = bytes * bindings as u64;
    Limits { max_storage_buffer_binding_size_bytes: bytes, max_buffer_size_bytes, ..Limits::WEBGPU }
}

/// Widths, activations, batch and limits under which weights, activations or both are divided.
fn problems() -> Vec<(Problem, Limits)> {
    let mut problems = Vec::new();
    for (i, act) in ACTIVATIONS.into_iter().enumerate() {
        let loss = [Loss::Mse, Loss::HalfSquaredError, Loss::Huber { delta: 0.7 }][i % 3];
        let net = network(&[16, 96, 48, 16], &[act, Activation::Tanh, act], &[true, false], loss);
        let problem = Problem::new(net, [SGD, MOMENTUM, ADAMW][i % 3], 60, 64, i as u64);
        problems.extend([1024, 1536, 2048].map(|elements| (problem.clone(), limits(elements, 1 + i % 3))));
    }
    // Odd widths: rows begin where no binding may, so that blocks are of 64 rows.
    let net = network(
        &[7, 133, 33, 5],
        &[Activation::Gelu, Activation::Relu, Activation::Identity],
        &[true],
        Loss::cross_entropy(),
    );
    problems.push((Problem::new(net, ADAMW, 200, 150, 3), limits(64 * 133, 1)));
    problems
}

#[test]
fn divided_plans_agree_with_whole_ones_on_the_cpu() {
    let mut worst: f64 = 0.0;
    for (problem, limits) in problems() {
        worst = worst.max(agree(&Device::cpu(), &problem, limits));
    }
    println!("largest difference / bound {worst:.4}");
}

#[test]
fn random_networks_are_divided_or_refused() {
    let (mut divided, mut refused) = (0, 0);
    for seed in 0..120 {
        let problem = Problem::random(seed);
        let limits = limits([320, 576, 1024, 1600][seed as usize % 4], 1 + seed as usize % 3);
        let samples = Samples { name: "train", rows: problem.rows, batch: problem.batch };
        let graph = problem.network.train_graph(samples, problem.optimizer).unwrap();
        let whole = problem.plan(&Options::new("train", 1)).dispatches.len();
        match lower(&graph, &Options { limits, ..Options::new("train", 1) }) {
            Err(Error::Limit(_)) => refused += 1,
            Err(other) => panic!("seed {seed}: {other}"),
            Ok(plan) if plan.dispatches.len() > whole => {
                divided += 1;
                agree(&Device::cpu(), &problem, limits);
            }
            Ok(_) => {}
        }
    }
    println!("{divided} divided, {refused} refused");
    assert!(divided >= 20 && refused >= 5, "{divided} divided, {refused} refused");
}

#[test]
fn a_wrong_block_is_found() {
    // Negative control: the copy of a block begins one element too early.
    let (problem, limits) = problems().swap_remove(0);
    let mut plan = divided(&problem, limits);
    let whole = problem.plan(&Options { fuse: false, ..Options::new("train", 1) });
    let window = |d: &&mut Dispatch| d.kernel == Kernel::copy_window && d.args.size(3) > 0;
    let window = plan.dispatches.iter_mut().find(window).unwrap();
    window.args.params[3] = Param::U(window.args.size(3) as u32 - 1);
    let [mut a, mut b] = [&plan, &whole].map(|p| problem.step(&Device::cpu(), p));
    let name = "grad.layers.1.weight";
    assert_ne!(read(&mut a, name), read(&mut b, name));
}

#[test]
fn a_network_is_divided_from_one_element_past_the_limit_on() {
    // The weight has 48 x 64 elements and is the largest tensor.
    let problem = Problem::new(network(&[64, 48], &[Activation::Tanh], &[true], Loss::Mse), SGD, 20, 16, 1);
    for (elements, whole) in [(3072 + 4, true), (3072, true), (3072 - 4, false), (1536, false)] {
        let plan = divided(&problem, limits(elements, 4));
        assert_eq!(kernels(&plan).contains(&Kernel::matmul_bias_act), whole, "{elements}");
        assert_eq!(kernels(&plan).contains(&Kernel::join_columns), !whole, "{elements}");
        assert!(sizes(&plan).iter().all(|len| *len <= elements), "{elements}");
    }
}

#[test]
fn arenas_larger_than_a_buffer_lie_in_several_and_no_binding_reaches_across() {
    let net =
        network(&[32, 96, 64, 10], &[Activation::Relu, Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    let problem = Problem::new(net, ADAMW, 32, 24, 1);
    for (binding, buffers) in [(1024, 1), (1024, 2), (2048, 3), (6400, 1)] {
        let limits = limits(binding, buffers);
        let plan = divided(&problem, limits);
        plan.check(&limits, "this test").unwrap();
        let params = plan.arenas.iter().find(|a| a.name == "params").unwrap();
        assert!(!params.cuts.is_empty(), "{binding} {buffers}");
        for arena in &plan.arenas {
            assert!(arena.buffers().all(|(start, end)| end - start <= binding * buffers && start % 64 == 0), "{arena}");
        }
        for d in &plan.dispatches {
            for r in &d.bindings {
                let across = |cut: &&usize| r.offset < **cut && **cut < r.offset + r.len;
                assert_eq!(plan.arenas[r.arena].cuts.iter().find(across), None, "{}: {r:?}", d.label);
            }
        }
    }
}

#[test]
fn a_product_too_deep_for_the_loops_of_an_adapter_is_summed_in_parts() {
    let problem = Problem::new(network(&[1000, 8], &[Activation::Tanh], &[true], Loss::Mse), SGD, 20, 16, 1);
    let limits = Limits { max_loop_rounds: 400, ..Limits::WEBGPU };
    let plan = divided(&problem, limits);
    assert!(kernels(&plan).contains(&Kernel::add));
    agree(&Device::cpu(), &problem, limits);
}

/// Parameters after 6 steps of 64 rows within `limits`, and the kernels of a step.
fn trained(rule: UpdateRule, limits: Limits) -> (Vec<Tensor>, Vec<Kernel>) {
    let mut net = network(&[16, 96, 48, 16], &[Activation::Tanh; 3], &[true], Loss::Mse);
    net.layers.insert(1, Layer::same_width(96, LayerNorm, Activation::Identity));
    net.layers.insert(3, Layer::same_width(48, Dropout { p: 0.25 }, Activation::Identity));
    let number = |i: usize| f64::from(((i as f64 * 0.7).sin()) as f32);
    let x: Vec<f64> = (0..150 * 16).map(number).collect();
    let target: Vec<f64> = (0..150 * 16).map(|i| number(i + 7)).collect();
    let roles = Roles { train: Some((150, 64, rule)), seed: 5, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open_within(&Device::cpu_f64(), limits, &net, roles)).unwrap();
    engine.write_parameters(&initial_parameters(&net.layers, 2)).unwrap();
    engine.set_training_data(&Dataset::numbers(&x, 16, &target, 16)).unwrap();
    let order: Vec<u32> = (0..150).map(|i| i * 7 % 150).collect();
    for epoch in 0..2 {
        pollster::block_on(engine.train(&order, 3 * epoch, &mut |_| Flow::Continue)).unwrap();
    }
    let kernels = engine.plans()[0].dispatches.iter().map(|d| d.kernel).collect();
    (pollster::block_on(engine.read_parameters()).unwrap(), kernels)
}

/// Clipping, accumulation and every optimizer over tensors that no binding holds: in f64 the steps are those of whole tensors to
/// within the order of sums.
#[test]
fn clipped_and_accumulated_steps_in_blocks_are_those_in_a_piece() {
    let far = |a: &[Tensor], b: &[Tensor]| {
        let pairs = a.iter().zip(b).flat_map(|(a, b)| a.values.iter().zip(&b.values));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let optimizers = [
        Optimizer::sgd(0.1),
        Optimizer::adam(0.01),
        Optimizer::nadam(0.01),
        Optimizer::rmsprop(0.01),
        Optimizer::adagrad(0.1),
        Optimizer::adamw(0.01),
    ];
    let clips = [Some(Clip::Norm(0.1)), Some(Clip::Value(1e-3)), None];
    for (i, optimizer) in optimizers.into_iter().enumerate() {
        let (clip, accumulate) = (clips[i % 3], 1 + i % 4);
        let schedule = if i == 4 { Schedule::cosine(6) } else { Schedule::one_cycle(6) };
        let optimizer = optimizer.under(&schedule).unwrap();
        let rule = UpdateRule { optimizer, schedule, clip, accumulate };
        let (whole, in_a_piece) = trained(rule, Limits::CPU);
        let (divided, in_blocks) = trained(rule, limits(1536, 1 + i % 2));
        let count = |kernels: &[Kernel], of: Kernel| kernels.iter().filter(|k| **k == of).count();
        assert!(in_blocks.len() > in_a_piece.len(), "{rule:?}: nothing was divided");
        // The largest weight has 4,608 numbers, in three blocks at least.
        let step = *in_blocks.iter().find(|k| k.bindings.iter().any(|b| b.name == "hyper")).unwrap();
        assert!(count(&in_blocks, step) > count(&in_a_piece, step), "{rule:?}");
        if let Some(Clip::Norm(_)) = clip {
            assert!(count(&in_blocks, Kernel::square_sum) > count(&in_a_piece, Kernel::square_sum), "{rule:?}");
        }
        // Six steps on numbers of about 1. An optimizer that divides by the root of a small mean of squares makes much of an
        // error of 1e-16 in a gradient: the least gradients here are about 1e-6.
        let off = far(&whole, &divided);
        assert!(off < 1e-10, "{rule:?}: {off:e}");
        // Control: with another clipping, or one part more, it is farther.
        let other = UpdateRule { clip: Some(Clip::Norm(0.05)), accumulate: accumulate + 1, ..rule };
        assert!(far(&trained(other, Limits::CPU).0, &whole) > 1e-6, "{rule:?}");
    }
}

#[test]
fn rows_that_no_binding_holds_are_evaluated_in_pieces() {
    let net = network(&[8, 4], &[Activation::Identity], &[true], Loss::HalfSquaredError);
    // Small whole numbers: every prediction is exact in any order of sums, so that not one bit may differ.
    let whole = |i: usize| ((i * 7 + 3) % 11) as f64 - 5.0;
    let x: Vec<f64> = (0..64 * 8).map(whole).collect();
    let target: Vec<f64> = (0..64 * 4).map(|i| whole(i + 5)).collect();
    let data = Dataset::numbers(&x, 8, &target, 4);
    let evaluate = |limits: Limits| {
        let roles = Roles { evaluate: Some(64), predict: Some(64), ..Roles::default() };
        let mut engine = pollster::block_on(Engine::open_within(&Device::cpu(), limits, &net, roles)).unwrap();
        for (name, shape) in net.parameters() {
            let values: Vec<f32> = (0..shape.iter().product()).map(|i| whole(i + 2) as f32).collect();
            engine.write_parameter(&name, &values).unwrap();
        }
        let rows = engine.plans()[0].buffer("data.eval.x").unwrap().shape[0];
        engine.set_evaluation_set(&SampleSet::from(&data)).unwrap();
        // Twice: what is left of the first pass must not matter.
        let [first, second] = [(); 2].map(|()| {
            let mut predictions = Vec::new();
            let mut take = |part: &[f64], _: RowTargets<'_>| predictions.extend_from_slice(part);
            let loss = pollster::block_on(engine.evaluate_set(&mut take)).unwrap();
            (loss, predictions)
        });
        assert_eq!(first, second);
        let predicted = pollster::block_on(engine.predict(&data)).unwrap();
        assert_eq!(predicted, first.1);
        (rows, first)
    };
    let (all, expected) = evaluate(Limits::CPU);
    // 20 rows of 8 numbers: pieces of 20, 20, 20 and 4.
    let (held, found) = evaluate(limits(160, 4));
    assert_eq!((all, held, expected.1.len()), (64, 20, 64 * 4));
    assert_eq!(expected.1, found.1);
    // The loss is a mean of means: sums of 64 losses, none negative, whose weights 1 / 20 are rounded, on both sides.
    assert!((expected.0 - found.0).abs() <= 2.0 * 68.0 * (-24_f64).exp2() * expected.0, "{} {}", expected.0, found.0);
}

fn refused(network: &Network, batch: usize, limits: Limits) -> String {
    let samples = Samples { name: "train", rows: batch, batch };
    let graph = network.train_graph(samples, SGD).unwrap();
    let error = lower(&graph, &Options { limits, ..Options::new("train", 1) }).unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error}");
    error.to_string()
}

#[test]
fn what_cannot_be_divided_is_refused_with_limit_need_and_remedy() {
    // A row of 300 numbers does not fit 256.
    let wide = network(&[300, 8], &[Activation::Tanh], &[true], Loss::Mse);
    // 64 rows of 33 numbers do not fit 1024, and fewer begin where no binding may.
    let odd = network(&[33, 128], &[Activation::Tanh], &[true], Loss::Mse);
    for (net, batch, elements, parts) in [
        (&wide, 1, 256, ["1024 bytes", "9600 bytes", "Reduce batch_size"]),
        (&odd, 8, 1024, ["4096 bytes", "16896 bytes", "multiples of 64 rows of 33 numbers"]),
    ] {
        let text = refused(net, batch, limits(elements, 4));
        for part in parts.into_iter().chain(["maxStorageBufferBindingSize", "use the CPU"]) {
            assert!(text.contains(part), "{part:?} is missing in: {text}");
        }
    }
}

#[test]
fn a_batch_that_no_binding_holds_is_refused_with_the_batch_size_that_would_fit() {
    let limits = limits(1024, 4);
    assert!(limits.check_batch("an adapter", 16, 64).is_ok());
    let text = limits.check_batch("an adapter", 17, 64).unwrap_err().to_string();
    for part in ["an adapter", "4096 bytes", "17 samples of 64 numbers need 4352 bytes", "batch_size to at most 16"] {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    let text = limits.check_batch("an adapter", 1, 1025).unwrap_err().to_string();
    assert!(text.contains("Reduce the number of features"), "{text}");
}

#[test]
fn limits_are_lowered_by_name_and_never_raised() {
    let text = "max_storage_buffer_binding_size=4096, max_buffer_size=16384,max_compute_workgroups_per_dimension=4";
    let limits = Limits::WEBGPU.lowered(text, "an adapter").unwrap();
    assert_eq!((limits.binding_elements(), limits.buffer_elements()), (1024, 4096));
    assert_eq!(limits.max_compute_workgroups_per_dimension, 4);
    assert_eq!(Limits::WEBGPU.lowered("", "an adapter").unwrap(), Limits::WEBGPU);
    for (text, part) in [
        ("max_buffer_size", "write NAME=VALUE"),
        ("max_buffer_size=many", "many is not a whole number"),
        ("max_buffer_size=-1", "-1 is not a whole number"),
        ("buffers=1", "there is max_storage_buffer_binding_size, max_buffer_size"),
        ("max_buffer_size=268435457", "an adapter has 268435456; a limit can only be lowered"),
        ("max_storage_buffer_binding_size=255", "the least that can hold anything is 256"),
        ("max_compute_workgroups_per_dimension=0", "the least that can hold anything is 1"),
    ] {
        let error = Limits::WEBGPU.lowered(text, "an adapter").unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(&format!("WGRAD_LIMITS, {text}")), "{text}: {error}");
    }
}

#[test]
fn more_host_memory_than_is_free_is_refused_with_both_sizes() {
    let free = available("MemTotal:  4194304 kB\nMemAvailable:    2097152 kB\n");
    assert_eq!(free, Some(2 << 30));
    assert!(check_against("it", 2 << 30, free).is_ok());
    let message = check_against("it", (2 << 30) + 1, free).map_err(|e| e.to_string());
    assert!(message.is_err_and(|m| m.contains("2.0 GiB are free")));
    assert!(check_against("it", u128::MAX, None).is_ok());
    assert_eq!(available("MemAvailable: much\n"), None);
}
