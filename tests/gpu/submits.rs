//! Where a submit begins and ends decides no bit: steps longer than the target are cut between their launches.

use crate::support;

use std::time::Duration;
use wgrad::data::Dataset;
use wgrad::exec::{Counters, Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::init::initial_parameters;
use wgrad::model::{Layer, Network};
use wgrad::plan::Switches;
use wgrad::testing::exec::gpu::adapter::GpuDevice;
use wgrad::train::{Engine, Roles};

const ROWS: usize = 96;
const BATCH: usize = 32;
const STEPS: usize = 9;

/// Bits of losses, parameters and states after some steps in submits that aim at `target`, and what the executor did.
fn train(device: &Device, target: Duration) -> (Vec<u64>, Counters, usize) {
    let Some(gpu) = device.is::<GpuDevice>() else { panic!("the adapter is no GPU") };
    let mut gpu = gpu.clone();
    gpu.submit_target = target;
    let layer = |inputs, outputs, activation| Layer::dense(inputs, outputs, activation, true);
    let layers = vec![layer(12, 24, Activation::Tanh), layer(24, 5, Activation::Identity)];
    let network = Network { layers, loss: Loss::cross_entropy() };
    let x: Vec<f64> = (0..ROWS * 12).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
    let classes: Vec<u32> = (0..ROWS as u32).map(|i| i * 3 % 5).collect();
    let train = Some((ROWS, BATCH, Optimizer::adam(1e-2).into()));
    let switches = Switches { whole: false, ..Switches::default() };
    let roles = Roles { train, switches, ..Roles::default() };
    let mut engine = pollster::block_on(Engine::open(&Device::new(gpu), &network, roles)).unwrap();
    engine.write_parameters(&initial_parameters(&network.layers, 1)).unwrap();
    engine.set_training_data(&Dataset::classes(&x, 12, &classes)).unwrap();
    let order: Vec<u32> = (0..(STEPS * BATCH) as u32).map(|i| i * 5 % ROWS as u32).collect();
    let mut bits = Vec::new();
    let mut sink = |losses: &[f64]| {
        bits.extend(losses.iter().map(|l| l.to_bits()));
        Flow::Continue
    };
    let done = pollster::block_on(engine.train(&order, 0, &mut sink)).unwrap();
    assert_eq!(done, STEPS);
    let counters = engine.counters();
    let launches = engine.training_plan().unwrap().dispatches.len();
    let mut tensors = pollster::block_on(engine.read_parameters()).unwrap();
    tensors.extend(pollster::block_on(engine.read_states()).unwrap());
    bits.extend(tensors.iter().flat_map(|t| &t.values).map(|v| v.to_bits()));
    (bits, counters, launches)
}

#[test]
fn a_step_that_is_cut_into_submits_has_the_same_bits() {
    let Some(device) = support::adapter::adapter() else { return };
    // Neither target depends on how fast the adapter is, or how busy.
    let (expected, few, launches) = train(device, Duration::from_secs(3600));
    // No step is as short as that: from the third on each launch is a submit of its own.
    let (found, many, _) = train(device, Duration::from_nanos(1));
    assert!(found == expected, "cutting the steps changed bits");
    assert!(few.submits <= STEPS as u64 && many.submits >= (STEPS as u64 - 2) * launches as u64, "{few:?} {many:?}");
    assert_eq!(
        (few.read_backs <= STEPS as u64, many.read_backs),
        (true, STEPS as u64),
        "a read-back a step, not a submit"
    );
}
