//! A small network with data, for controls: every kind of node, a square layer, biases of equal size.

use wgrad::data::Dataset;
use wgrad::graph::{Activation, Loss, Optimizer};
use wgrad::model::init::initial_parameters;
use wgrad::model::{Layer, Network, Tensor};
use wgrad::plan::Switches;
use wgrad::testing::data::rng::Philox;
use wgrad::verify::Question;

/// What is verified.
pub struct Subject {
    pub network: Network,
    pub optimizer: Optimizer,
    pub parameters: Vec<Tensor>,
    pub data: Dataset,
}

impl Subject {
    /// 5 -> 6 tanh -> 6 sigmoid -> 3, cross-entropy; 19 samples, every bias away from 0.
    pub fn new(optimizer: Optimizer, seed: u64) -> Subject {
        let layer = |inputs, outputs, activation| Layer::dense(inputs, outputs, activation, true);
        let layers =
            vec![layer(5, 6, Activation::Tanh), layer(6, 6, Activation::Sigmoid), layer(6, 3, Activation::Identity)];
        let mut rng = Philox::new(seed, 5);
        let mut number = || 4.0 * rng.next_f64() - 2.0;
        let x: Vec<f64> = (0..19 * 5).map(|_| number()).collect();
        let mut parameters = initial_parameters(&layers, seed);
        for bias in parameters.iter_mut().filter(|p| p.name.ends_with("bias")) {
            bias.values.iter_mut().for_each(|v| *v = 0.2 * number());
        }
        let classes: Vec<u32> = (0..19).map(|i| (i * i + i / 3) % 3).collect();
        let network = Network { layers, loss: Loss::cross_entropy() };
        Subject { network, optimizer, parameters, data: Dataset::classes(&x, 5, &classes) }
    }

    /// Steps of 7 samples.
    pub fn question(&self, steps: usize, unfused: bool) -> Question<'_> {
        Question {
            network: &self.network,
            rule: self.optimizer.into(),
            parameters: &self.parameters,
            data: (&self.data).into(),
            batch_size: 7,
            seed: 3,
            steps,
            slack: 1.0,
            unfused,
            // The controls break kernels one by one.
            switches: Switches::without(&["whole"]).unwrap(),
        }
    }
}
