//! What is larger than a binding or a buffer of the adapter is divided: by artificially small limits, on the adapter.

use crate::support;

use support::adapter::adapter;
use support::divided::agree;
use support::problem::{ACTIVATIONS, ADAMW, MOMENTUM, Problem, SGD, network, read};
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Clip, Loss, Optimizer, Schedule, UpdateRule};
use wgrad::kernels::Kernel;
use wgrad::model::init::initial_parameters;
use wgrad::plan::{Limits, Options, Plan, Switches};
use wgrad::spec::Spec;
use wgrad::testing::exec::gpu::adapter::GpuDevice;
use wgrad::testing::train::samples;
use wgrad::train::{Engine, Roles};
use wgrad::verify::{Question, report, verify};

/// The adapter's limits with bindings of so many numbers, buffers of so many bindings and so many groups a dimension.
fn limits(device: &Device, elements: u64, bindings: u64, groups: u32) -> Limits {
    Limits {
        max_storage_buffer_binding_size_bytes: 4 * elements,
        max_buffer_size_bytes: 4 * elements * bindings,
        max_compute_workgroups_per_dimension: groups,
        ..device.limits()
    }
}

/// The same adapter with other limits.
fn limited(device: &Device, limits: Limits) -> Device {
    let Some(gpu) = device.is::<GpuDevice>() else { panic!("not an adapter") };
    let mut gpu = gpu.clone();
    gpu.limits = limits;
    Device::new(gpu)
}

fn divided_layers(i: usize, act: Activation) -> Problem {
    let net = network(&[16, 96, 48, 16], &[act, Activation::Tanh, act], &[true, false], Loss::Mse);
    Problem::new(net, [MOMENTUM, ADAMW][i % 2], 60, 64, i as u64)
}

#[test]
fn divided_plans_agree_with_whole_ones() {
    let Some(device) = adapter() else { return };
    let mut worst: f64 = 0.0;
    for (i, act) in ACTIVATIONS.into_iter().enumerate().step_by(2) {
        let (elements, buffers) = ([1024, 1536, 2048][i % 3], 1 + i as u64 % 2);
        worst = worst.max(agree(device, &divided_layers(i, act), limits(device, elements, buffers, 16)));
    }
    println!("largest difference / bound {worst:.4}");
}

#[test]
fn without_a_divided_sum_no_bit_changes() {
    let Some(device) = adapter() else { return };
    // One layer: its weight's rows are divided, and no product sums over them, for the input needs no gradient.
    let problem = Problem::new(network(&[64, 48], &[Activation::Sigmoid], &[true], Loss::Mse), ADAMW, 15, 16, 1);
    let products = device.products();
    let whole = problem.plan(&Options { fuse: false, products, ..Options::new("train", 3) });
    let divided = problem.plan(&Options { limits: limits(device, 1024, 2, 3), products, ..Options::new("train", 3) });
    assert!(divided.dispatches.iter().any(|d| d.kernel == Kernel::join_columns));
    let [mut a, mut b] = [&divided, &whole].map(|p: &Plan| problem.steps(device, p, 3));
    for name in problem.results().into_iter().chain(["loss".to_string()]) {
        assert_eq!(read(&mut a, &name), read(&mut b, &name), "{name}");
    }
}

#[test]
fn an_example_is_verified_with_its_data_weights_and_activations_divided() {
    let Some(device) = adapter() else { return };
    let spec = Spec::load(format!("{}/examples/digits.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let prepared = samples::read(&spec, &std::env::temp_dir()).unwrap();
    let parameters = initial_parameters(&prepared.network.layers, 1);
    // 1437 rows of 64 numbers stream batch by batch; the first weight has four blocks in four buffers.
    let device = limited(device, limits(device, 1024, 1, 4));
    let question = Question {
        network: &prepared.network,
        rule: ADAMW.into(),
        parameters: &parameters,
        data: prepared.train.clone(),
        batch_size: 16,
        seed: 1,
        steps: 3,
        slack: 1.0,
        unfused: false,
        switches: Switches::default(),
    };
    let verdict = pollster::block_on(verify(&question, &device)).unwrap();
    assert!(verdict.passed, "{}", report::text(&verdict));
    // Every element of the divided weight and of its gradient is compared.
    for name in ["layers.0.weight", "grad.layers.0.weight", "state.1.layers.0.weight"] {
        let part = format!("{name}[");
        let rows = verdict.steps[2].rows.iter().filter(|r| r.name == name || r.name.starts_with(&part));
        let compared: usize = rows.map(|r| r.total.shape.iter().product::<usize>()).sum();
        assert_eq!(compared, 64 * 64, "{name}");
    }
}

/// Clipped, in parts, under a schedule, with tensors in blocks: every value lies within its bound.
#[test]
fn clipped_and_accumulated_steps_are_verified_in_blocks() {
    let Some(device) = adapter() else { return };
    let net = network(&[16, 96, 48, 16], &[Activation::Tanh; 3], &[true], Loss::Mse);
    let parameters = initial_parameters(&net.layers, 1);
    let number = |i: usize| f64::from(((i as f64 * 0.7).sin()) as f32);
    let (x, target): (Vec<f64>, Vec<f64>) = (0..60 * 16).map(|i| (number(i), number(i + 7))).unzip();
    let data = Dataset::numbers(&x, 16, &target, 16);
    let device = limited(device, limits(device, 1536, 2, 16));
    for (clip, accumulate, optimizer) in
        [(Clip::Norm(0.1), 1, Optimizer::adam(0.01)), (Clip::Norm(0.1), 3, MOMENTUM), (Clip::Value(1e-3), 2, ADAMW)]
    {
        let rule = UpdateRule { optimizer, schedule: Schedule::one_cycle(4), clip: Some(clip), accumulate };
        let question = Question {
            network: &net,
            rule,
            parameters: &parameters,
            data: (&data).into(),
            batch_size: 40,
            seed: 1,
            steps: 4,
            slack: 1.0,
            unfused: false,
            switches: Switches::default(),
        };
        let verdict = pollster::block_on(verify(&question, &device)).unwrap();
        assert!(verdict.passed, "{rule:?}: {}", report::text(&verdict));
        // Every number of the largest weight was clipped, in blocks.
        let rows = verdict.steps[3].rows.iter().filter(|r| r.name.starts_with("clipped.layers.1.weight"));
        let parts: Vec<usize> = rows.map(|r| r.total.shape.iter().product()).collect();
        assert!(parts.len() > 1 && parts.iter().sum::<usize>() == 96 * 48, "{rule:?}: {parts:?}");
    }
}

#[test]
fn parameters_in_several_buffers_are_written_and_read_by_name() {
    let Some(device) = adapter() else { return };
    let net = network(&[64, 48, 10], &[Activation::Tanh, Activation::Identity], &[true], Loss::cross_entropy());
    let device = limited(device, limits(device, 1024, 1, 65_535));
    let roles = Roles { train: Some((40, 8, ADAMW.into())), evaluate: Some(50), ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&device, &net, roles)).unwrap();
    assert!(engine.plans()[0].arenas.iter().any(|a| a.name == "params" && a.cuts.len() >= 3));
    let mut parameters = initial_parameters(&net.layers, 5);
    parameters.iter_mut().for_each(|p| p.values.iter_mut().for_each(|v| *v = f64::from(*v as f32)));
    engine.write_parameters(&parameters).unwrap();
    assert_eq!(pollster::block_on(engine.read_parameters()).unwrap(), parameters);
}

/// 6000 x 6000 weights, 144 MB: more than the 128 MiB that a binding has by default. One step, every value against the
/// judge; takes some 10 GB of memory and some minutes.
#[test]
#[ignore = "soak: takes 10 GB and minutes"]
fn a_weight_larger_than_a_binding_is_trained_and_verified() {
    let Some(device) = adapter() else { return };
    let net =
        network(&[16, 6000, 6000, 1], &[Activation::Tanh, Activation::Tanh, Activation::Identity], &[true], Loss::Mse);
    let parameters = initial_parameters(&net.layers, 1);
    let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 504.5 - 1.0;
    let x: Vec<f64> = (0..64 * 16).map(number).collect();
    let target: Vec<f64> = (0..64).map(|i| number(i + 5000)).collect();
    let data = Dataset::numbers(&x, 16, &target, 1);
    let question = Question {
        network: &net,
        rule: SGD.into(),
        parameters: &parameters,
        data: (&data).into(),
        batch_size: 64,
        seed: 1,
        steps: 1,
        slack: 1.0,
        unfused: false,
        switches: Switches::default(),
    };
    let verdict = pollster::block_on(verify(&question, device)).unwrap();
    assert!(verdict.passed, "{}", report::text(&verdict));
    let blocks = verdict.steps[0].rows.iter().filter(|r| r.name.starts_with("grad.layers.1.weight[")).count();
    let (_, worst) = verdict.worst().unwrap();
    println!("{}: {blocks} blocks, largest error / bound {:.4} at {}", device.name(), worst.max_ratio(), worst.name);
    let divided = device.limits().max_storage_buffer_binding_size_bytes < 4 * 36_000_000;
    assert_eq!(blocks > 1, divided);
}
