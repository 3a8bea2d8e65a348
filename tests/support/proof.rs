//! The subjects of `docs/verification.md`: every example, and networks of five layers with every activation, each with three
//! optimizers and three steps.

use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::init::initial_parameters;
use wgrad::nn::{BatchNorm, Dropout, GroupNorm, Layer, LayerNorm, Network};
use wgrad::plan::Switches;
use wgrad::spec::Spec;
use wgrad::testing::train::samples::{SampleSet, read};
use wgrad::verify::{Question, report, verify};

const EXAMPLES: [&str; 7] = [
    "digits",
    "iris",
    "two_two_two",
    "three_four_one",
    "half_squared_error",
    "output_weight_gradient",
    "single_neuron",
];

/// Verifies every subject on `device` and prints the largest error / bound of each.
pub fn verify_all(device: &Device) {
    let optimizers = [
        Optimizer::Sgd { lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1e-3 },
        Optimizer::adam(0.01),
        Optimizer::adamw(0.01),
    ];
    let mut subjects: Vec<(String, Network, SampleSet, usize)> = Vec::new();
    for name in EXAMPLES {
        let path = format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let spec = Spec::load(path).expect("an example spec");
        let prepared = read(&spec, &std::env::temp_dir()).expect("its data");
        subjects.push((name.to_string(), prepared.network, prepared.train, spec.train.batch_size));
    }
    for activation in Activation::NAMES {
        let (network, data) = five_layers(Activation::by_name(activation).expect("a name of the list"));
        subjects.push((format!("5 layers, {activation}"), network, (&data).into(), 13));
    }
    let (network, data) = every_kind();
    subjects.push(("every kind of layer".to_string(), network, (&data).into(), 13));
    let mut largest: f64 = 0.0;
    for (name, network, data, batch_size) in &subjects {
        let mut worst: f64 = 0.0;
        for optimizer in optimizers {
            let parameters = initial_parameters(&network.layers, 3);
            let (seed, steps, slack, unfused) = (1, 3, 1.0, false);
            let question = Question {
                network,
                rule: optimizer.into(),
                parameters: &parameters,
                data: data.clone(),
                batch_size: *batch_size,
                seed,
                steps,
                slack,
                unfused,
                switches: Switches::default(),
            };
            let verdict = pollster::block_on(verify(&question, device)).expect("a verdict");
            assert!(verdict.passed, "{name}, {}\n{}", optimizer.name(), report::text(&verdict));
            worst = worst.max(verdict.worst().map_or(0.0, |(_, row)| row.max_ratio()));
        }
        println!("{name:<28} largest error / bound {worst:.4}");
        largest = largest.max(worst);
    }
    println!("{}: largest error / bound of all {largest:.4}", device.name());
    // A check that compares nothing would find nothing.
    assert!(largest > 0.1 && subjects.len() == EXAMPLES.len() + Activation::NAMES.len() + 1);
}

/// Every kind of layer between dense ones, on the same samples as [`five_layers`].
fn every_kind() -> (Network, Dataset) {
    let (five, data) = five_layers(Activation::Tanh);
    let mut layers = Vec::new();
    for (i, dense) in five.layers.into_iter().enumerate() {
        let width = dense.outputs;
        layers.push(dense);
        layers.extend(match i {
            0 => Some(Layer::same_width(width, Dropout { p: 0.25 }, Activation::Identity)),
            1 => Some(Layer::same_width(width, LayerNorm, Activation::Silu)),
            2 => Some(Layer::same_width(width, BatchNorm, Activation::Relu)),
            3 => Some(Layer::same_width(width, Dropout { p: 0.5 }, Activation::Gelu)),
            4 => Some(Layer::same_width(width, GroupNorm::new(width), Activation::Identity)),
            _ => None,
        });
    }
    (Network { layers, loss: five.loss }, data)
}

/// Layers of 17, 33, 8, 21 and 5 outputs, all with the same activation, on 29 samples of 11 numbers: two batches of 13 and
/// one of 3.
fn five_layers(activation: Activation) -> (Network, Dataset) {
    let mut inputs = 11;
    let layers = [17, 33, 8, 21, 5].map(|outputs| {
        let layer = Layer::dense(inputs, outputs, activation, true);
        inputs = outputs;
        layer
    });
    let number = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 504.5 - 1.0;
    let x: Vec<f64> = (0..29 * 11).map(number).collect();
    let targets: Vec<f64> = (0..29 * 5).map(|i| number(i + 5000)).collect();
    (Network { layers: layers.to_vec(), loss: Loss::Mse }, Dataset::numbers(&x, 11, &targets, 5))
}
