//! A training set in a file of rows, and training on it.

use super::problem::{ADAMW, network};
use std::sync::Arc;
use wgrad::data::{CacheWriter, Dataset, TargetRule, epoch_order};
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss};
use wgrad::model::init::initial_parameters;
use wgrad::model::{Network, Tensor};
use wgrad::plan::Limits;
use wgrad::testing::train::samples::{Order, SampleSet};
use wgrad::train::{Engine, Roles};

pub const ROWS: usize = 203;
pub const BATCH: usize = 8;
pub const STEPS: usize = ROWS.div_ceil(BATCH);
const INPUTS: usize = 6;

pub fn net(loss: Loss) -> Network {
    network(&[INPUTS, 10, 3], &[Activation::Tanh, Activation::Identity], &[true], loss)
}

/// The words of row `row`: features, then a class or three numbers.
fn words(network: &Network, row: usize) -> Vec<u32> {
    let number = |i: usize| ((row * 31 + i * 17) % 101) as f32 / 50.0 - 1.0;
    let mut words: Vec<u32> = (0..INPUTS).map(|i| number(i).to_bits()).collect();
    if network.loss.takes_class() {
        words.push((row * 7 % 3) as u32);
    } else {
        words.extend((0..3).map(|i| number(i + 50).to_bits()));
    }
    words
}

/// The samples in a file: blocks of 5 rows, windows of 24 or 25 (3 steps).
pub fn in_file(network: &Network) -> SampleSet {
    let width = words(network, 0).len();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = CacheWriter::new(folder.path(), width).unwrap();
    (0..ROWS).for_each(|row| writer.push(&words(network, row)).unwrap());
    let row_bytes = 4 * width as u64;
    SampleSet::in_file(writer.finish().unwrap(), blank(network), BATCH, 5 * row_bytes, 25 * row_bytes)
}

/// The same samples in memory.
pub fn in_memory(network: &Network) -> SampleSet {
    SampleSet::in_memory(Arc::new(wgrad::testing::data::of_words(blank(network), ROWS, |row| words(network, row))))
}

fn blank(network: &Network) -> Dataset<f32> {
    wgrad::testing::data::blank(INPUTS, Some(TargetRule { loss: network.loss, outputs: network.outputs() }))
}

/// The rows that `order` trains on, one after the other.
pub fn rows_of(order: &Order) -> Vec<u32> {
    match order {
        Order::Rows(rows) => rows.clone(),
        Order::Windows(windows) => (0..windows.count()).flat_map(|w| windows.rows_of(w)).collect(),
    }
}

/// An engine for `set`, with initial parameters.
pub fn engine(device: &Device, limits: Limits, network: &Network, set: &SampleSet) -> Engine {
    let roles = Roles {
        train: Some((ROWS, BATCH, ADAMW.into())),
        evaluate: Some(ROWS),
        stream: set.file().is_some(),
        ..Roles::default()
    };
    let mut engine = pollster::block_on(Engine::open_within(device, limits, network, roles)).unwrap();
    engine.write_parameters(&initial_parameters(&network.layers, 3)).unwrap();
    engine.set_training_set(set).unwrap();
    engine
}

/// Trains an epoch from step `from` on; losses.
pub fn train(engine: &mut Engine, set: &SampleSet, epoch: u32, from: usize) -> Vec<f64> {
    train_order(engine, set, &set.order(9, epoch), epoch, from, usize::MAX)
}

/// The same in a given order, until `most` losses have come.
pub fn train_order(
    engine: &mut Engine,
    set: &SampleSet,
    order: &Order,
    epoch: u32,
    from: usize,
    most: usize,
) -> Vec<f64> {
    let mut losses = Vec::new();
    let mut sink = |l: &[f64]| {
        losses.extend_from_slice(l);
        if losses.len() >= most { Flow::Stop } else { Flow::Continue }
    };
    let first = epoch as usize * STEPS + from;
    let ran = pollster::block_on(engine.train_set(set, order, from..usize::MAX, first as u64, &mut sink)).unwrap();
    assert_eq!(ran, losses.len(), "every step that ran gave its loss");
    losses
}

/// Parameters and optimizer states, as bits.
pub fn state(engine: &mut Engine) -> Vec<u64> {
    let tensors: [Vec<Tensor>; 2] =
        [pollster::block_on(engine.read_parameters()).unwrap(), pollster::block_on(engine.read_states()).unwrap()];
    tensors.iter().flatten().flat_map(|t| &t.values).map(|v| v.to_bits()).collect()
}

/// Two epochs from a file and two in the same order from memory, resident: losses and state must be equal, bit for bit.
/// `small` makes the file's pieces smaller than its windows.
pub fn file_against_memory(device: &Device, small: Limits) {
    for loss in [Loss::cross_entropy(), Loss::Mse] {
        let network = net(loss);
        let (file, memory) = (in_file(&network), in_memory(&network));
        for limits in [device.limits(), small] {
            let mut from_file = engine(device, limits, &network, &file);
            let mut resident = engine(device, device.limits(), &network, &memory);
            for epoch in 0..2 {
                let rows = rows_of(&file.order(9, epoch));
                assert_ne!(rows, epoch_order(9, epoch, ROWS), "the windows show");
                let expected = train_order(&mut resident, &memory, &Order::Rows(rows), epoch, 0, usize::MAX);
                assert_eq!(expected.len(), STEPS);
                assert_eq!(train(&mut from_file, &file, epoch, 0), expected, "epoch {epoch}");
            }
            assert!(state(&mut from_file) == state(&mut resident), "{loss:?}: other parameters");
        }
    }
}

/// An epoch that was left at any step and gone on with by another engine ends with the same bits.
pub fn resumed(device: &Device, small: Limits, steps: &[usize]) {
    let network = net(Loss::cross_entropy());
    let set = in_file(&network);
    let mut whole = engine(device, small, &network, &set);
    let losses = train(&mut whole, &set, 0, 0);
    let expected = state(&mut whole);
    for &step in steps {
        // The device may have been given more steps than were asked for, and has then done them.
        let mut first = engine(device, small, &network, &set);
        let mut seen = train_order(&mut first, &set, &set.order(9, 0), 0, 0, step);
        let mut second = engine(device, small, &network, &set);
        second.write_parameters(&pollster::block_on(first.read_parameters()).unwrap()).unwrap();
        second.write_states(&pollster::block_on(first.read_states()).unwrap()).unwrap();
        let at = seen.len();
        assert!(at >= step);
        seen.extend(train(&mut second, &set, 0, at));
        assert_eq!(seen, losses, "left at step {at}");
        assert!(state(&mut second) == expected, "left at step {at}");
    }
}

/// Loss and predictions do not depend on where samples are, nor on how many go to the device together.
pub fn evaluated(device: &Device, small: Limits) {
    let network = net(Loss::cross_entropy());
    let (file, memory) = (in_file(&network), in_memory(&network));
    let evaluate = |limits: Limits, set: &SampleSet| {
        let mut engine = engine(device, limits, &network, &in_file(&network));
        engine.set_evaluation_set(set).unwrap();
        let mut all = Vec::new();
        let loss = pollster::block_on(engine.evaluate_set(&mut |predictions, _| all.extend_from_slice(predictions)));
        (loss.unwrap(), all)
    };
    let (loss, predictions) = evaluate(device.limits(), &memory);
    assert_eq!(predictions.len(), 3 * ROWS);
    assert_eq!(evaluate(device.limits(), &file), (loss, predictions.clone()));
    for set in [&memory, &file] {
        let (small_loss, small_predictions) = evaluate(small, set);
        assert!(small_predictions.iter().zip(&predictions).all(|(a, b)| (a - b).abs() <= PREDICTION_BOUND));
        assert!((small_loss - loss).abs() <= LOSS_BOUND, "{small_loss} {loss}");
    }
    assert_eq!(evaluate(small, &memory), evaluate(small, &file));
}

/// Pieces of other sizes are products of other shapes, whose sums may run in another order. Weights are below 0.7 and
/// features and hidden values at most 1, so a hidden sum of 7 terms is below 7 * 0.7 = 4.9 and differs by at most 2 * 8 *
/// 2^-24 * 4.9 = 4.7e-6; tanh is monotone and has slope at most 1, and its own error is the same function's. An output of 11
/// terms carries 10 * 0.7 * 4.7e-6 and adds 2 * 12 * 2^-24 * 7.7: together below 4.5e-5; two roundings of tanh (2^-20 each,
/// times 7) are below 1.4e-5.
const PREDICTION_BOUND: f64 = 6e-5;
/// A cross-entropy changes by at most twice what a logit changes by; the mean of 203 values below 4, summed in f32, by
/// 2 * 203 * 2^-24 * 4 = 1e-4 at most.
const LOSS_BOUND: f64 = 2.0 * PREDICTION_BOUND + 1e-4;
