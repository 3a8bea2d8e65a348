//! Random networks for the oracle: what they look like, how they are run, how an answer is judged.

use super::oracle::{self, Answer, Batch, Layer, Target};
use proptest::prelude::*;
use wgrad::data::Dataset;
use wgrad::exec::Device;
use wgrad::graph::{Activation, Loss};
use wgrad::model::{self, Network, Tensor};
use wgrad::train::{Engine, Roles};

/// How large the weights are. N is the normal distribution with that standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// N(0, 1 / sqrt(inputs)): signals keep their size.
    FanIn,
    /// N(0, sqrt(2 / inputs)): for relu.
    He,
    /// N(0, 1): signals grow from layer to layer, sigmoids and softmax saturate.
    Unit,
}

/// A random network in words; the seed decides every number in it.
#[derive(Debug, Clone)]
pub struct Sketch {
    pub inputs: usize,
    pub rows: usize,
    pub layers: Vec<(usize, Activation, bool)>,
    pub loss: Loss,
    pub spread: Spread,
    pub seed: u64,
}

/// Everything that a run takes, and the same for the oracle.
pub struct Case {
    pub network: Network,
    pub parameters: Vec<Tensor>,
    pub data: Dataset,
    pub layers: Vec<Layer>,
    pub batch: Batch,
}

/// A run's answer.
pub struct Found {
    pub loss: f64,
    pub gradients: Vec<Tensor>,
}

/// The kind of the numbers that a case is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Rounded to f32, so that an f32 device and the oracle see the same numbers.
    F32,
    F64,
}

/// splitmix64 (Steele, Lea, Flood, 2014).
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Uniform below n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

pub const ACTIVATIONS: [Activation; 11] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.01 },
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Silu,
    Activation::Softplus,
    Activation::Softmax,
    Activation::Mish,
];

pub const LOSSES: [Loss; 10] = [
    Loss::HalfSquaredError,
    Loss::Mse,
    Loss::Mae,
    Loss::Huber { delta: 1.0 },
    Loss::BinaryCrossEntropy,
    Loss::BceWithLogits,
    Loss::cross_entropy(),
    Loss::Hinge,
    Loss::Quantile { q: 0.2 },
    Loss::CrossEntropy { smoothing: 0.1 },
];

/// Random sketches: 1 to 5 layers, widths 1 to 70, batches 1 to 97, any activation and loss. proptest shrinks a failure
/// to fewer layers, rows and columns.
pub fn sketches() -> impl Strategy<Value = Sketch> {
    let activation = || prop::sample::select(ACTIVATIONS.to_vec());
    let layer = (1usize..=70, activation(), prop::bool::weighted(0.9));
    let spread = prop::sample::select(vec![Spread::FanIn, Spread::He, Spread::Unit]);
    let loss = prop::sample::select(LOSSES.to_vec());
    (1usize..=70, 1usize..=97, prop::collection::vec(layer, 1..=5), loss, spread, any::<u64>()).prop_map(
        |(inputs, rows, layers, loss, spread, seed)| Sketch { inputs, rows, layers, loss, spread, seed }.sane(),
    )
}

impl Sketch {
    /// A loss on probabilities needs a last layer that gives such.
    fn sane(mut self) -> Sketch {
        if let (Loss::BinaryCrossEntropy, Some(last)) = (self.loss, self.layers.last_mut()) {
            // One class of one is always certain, and its complement impossible.
            let softmax = last.1 == Activation::Softmax && last.0 > 1;
            last.1 = if softmax { Activation::Softmax } else { Activation::Sigmoid };
        }
        self
    }

    pub fn last(&self) -> (usize, Activation) {
        self.layers.last().map_or((0, Activation::Identity), |l| (l.0, l.1))
    }

    /// Draws the numbers.
    pub fn case(&self, width: Width) -> Case {
        let mut rng = Rng(self.seed);
        let rounded = |v: f64| if width == Width::F32 { f64::from(v as f32) } else { v };
        let mut layers = Vec::new();
        let mut inputs = self.inputs;
        for &(outputs, activation, bias) in &self.layers {
            let sd = match self.spread {
                Spread::FanIn => (1.0 / inputs as f64).sqrt(),
                Spread::He => (2.0 / inputs as f64).sqrt(),
                Spread::Unit => 1.0,
            };
            let mut draw = |n: usize| (0..n).map(|_| rounded(sd * rng.normal())).collect::<Vec<f64>>();
            let (weight, values) = (draw(outputs * inputs), draw(outputs));
            layers.push(Layer { inputs, outputs, activation, weight, bias: bias.then_some(values) });
            inputs = outputs;
        }
        let x: Vec<f64> = (0..self.rows * self.inputs).map(|_| rounded(rng.normal())).collect();
        let target = self.target(&mut rng, rounded);
        Case::new(layers, self.loss, Batch { rows: self.rows, x, target })
    }

    fn target(&self, rng: &mut Rng, rounded: impl Fn(f64) -> f64) -> Target {
        let outputs = self.last().0;
        if self.loss.takes_class() {
            return Target::Classes((0..self.rows).map(|_| rng.below(outputs) as u32).collect());
        }
        let soft = rng.below(2) == 0;
        let draw = |_| match self.loss {
            Loss::Hinge => [-1.0, 1.0][rng.below(2)],
            Loss::BinaryCrossEntropy | Loss::BceWithLogits if soft => rounded(rng.uniform()),
            Loss::BinaryCrossEntropy | Loss::BceWithLogits => [0.0, 1.0][rng.below(2)],
            _ => rounded(rng.normal()),
        };
        Target::Numbers((0..self.rows * outputs).map(draw).collect())
    }
}

impl Case {
    /// The same network and samples for wgrad and for the oracle.
    pub fn new(layers: Vec<Layer>, loss: Loss, batch: Batch) -> Case {
        let shape = |l: &Layer| model::Layer::dense(l.inputs, l.outputs, l.activation, l.bias.is_some());
        let network = Network { layers: layers.iter().map(shape).collect(), loss };
        let mut parameters = Vec::new();
        for (i, l) in layers.iter().enumerate() {
            let shape = vec![l.outputs, l.inputs];
            parameters.push(Tensor { name: format!("layers.{i}.weight"), shape, values: l.weight.clone() });
            if let Some(bias) = &l.bias {
                let shape = vec![l.outputs];
                parameters.push(Tensor { name: format!("layers.{i}.bias"), shape, values: bias.clone() });
            }
        }
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let data = match &batch.target {
            Target::Numbers(values) => Dataset::numbers(&batch.x, inputs, values, outputs),
            Target::Classes(classes) => Dataset::classes(&batch.x, inputs, classes),
        };
        Case { network, parameters, data, layers, batch }
    }

    /// The oracle's answer.
    pub fn expected(&self) -> Answer {
        oracle::gradients(&self.layers, self.network.loss, &self.batch)
    }

    /// wgrad's answer on `device`.
    pub fn run(&self, device: &Device) -> Found {
        let roles = Roles { gradients: Some(self.data.rows), ..Roles::default() };
        let answer = pollster::block_on(async {
            let mut engine = Engine::open(device, &self.network, roles).await?;
            engine.write_parameters(&self.parameters)?;
            engine.gradients(&self.data).await
        });
        let (loss, gradients) = answer.unwrap_or_else(|e| panic!("{e}: {:?}", self.network));
        Found { loss, gradients }
    }
}
