//! The device `cpu` gives the same bits from run to run and on any number of threads: sums run in an order that the
//! sizes fix, and no part of a product is cut by who is free.

use wgrad::data::Dataset;
use wgrad::exec::{Device, Flow};
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::{Layer, Network, Tensor};
use wgrad::train::{Engine, Roles};

const ROWS: usize = 600;
const BATCH: usize = 300;
const STEPS: usize = 4;

/// Sizes at which every kernel of a step uses several threads, and widths that are no multiple of any tile.
fn network() -> Network {
    let layer = |inputs, outputs, activation| Layer::dense(inputs, outputs, activation, true);
    let layers = vec![
        layer(301, 530, Activation::Sigmoid),
        layer(530, 259, Activation::Gelu),
        layer(259, 70, Activation::Identity),
    ];
    Network { layers, loss: Loss::cross_entropy() }
}

/// Numbers in [-1/2, 1/2) without a pattern.
fn numbers(count: usize, seed: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 2_654_435_761 + seed * 40_503) % 65_536) as f64 / 65_536.0 - 0.5).collect()
}

/// Losses and parameters of a short training in a pool of `threads`, as bits.
fn train(threads: usize) -> Vec<u64> {
    let network = network();
    let classes: Vec<u32> = (0..ROWS as u32).map(|i| i * 7 % 70).collect();
    let data = Dataset::classes(&numbers(ROWS * 301, 1), 301, &classes);
    let parameters: Vec<Tensor> = network
        .parameters()
        .into_iter()
        .enumerate()
        .map(|(i, (name, shape))| {
            let values = numbers(shape.iter().product(), i + 2).iter().map(|v| v / 8.0).collect();
            Tensor { name, shape, values }
        })
        .collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let roles = Roles { train: Some((ROWS, BATCH, Optimizer::adam(1e-3).into())), ..Roles::default() };
        let mut engine = pollster::block_on(Engine::open(&Device::cpu(), &network, roles)).unwrap();
        engine.write_parameters(&parameters).unwrap();
        engine.set_training_data(&data).unwrap();
        let order: Vec<u32> = (0..STEPS * BATCH).map(|i| (i * 11 % ROWS) as u32).collect();
        let mut bits = Vec::new();
        let mut sink = |losses: &[f64]| {
            bits.extend(losses.iter().map(|l| l.to_bits()));
            Flow::Continue
        };
        pollster::block_on(engine.train(&order, 0, &mut sink)).unwrap();
        let after = pollster::block_on(engine.read_parameters()).unwrap();
        assert!(after.iter().zip(&parameters).all(|(a, b)| a.values != b.values), "a parameter did not move");
        bits.extend(after.iter().flat_map(|t| &t.values).map(|v| v.to_bits()));
        bits
    })
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    let alone = train(1);
    for threads in [1, 2, 4, 4, 5] {
        assert!(train(threads) == alone, "{threads} threads");
    }
}
