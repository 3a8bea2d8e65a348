//! The workloads: data, initial weights and order of samples, bit for bit those of the peer programs
//! (`benches/peers/common/workloads.rs` and `workloads.py`), so that losses can be compared between programs.

use crate::data::nearest::did_you_mean;
use crate::error::{Error, Result};
use crate::graph::{Activation, Loss, Optimizer};
use crate::nn::{Layer, Network};
use rayon::prelude::*;

/// Streams of random numbers: prototypes of the classes, features, targets, and one a layer from [`WEIGHTS`] on.
const PROTOTYPES: u64 = 1;
const FEATURES: u64 = 2;
const TARGETS: u64 = 3;
const WEIGHTS: u64 = 10;

/// How far the checked loss may be from the expected one, relative. PyTorch in `f32` is within 4e-7 of PyTorch in `f64` on
/// every workload, and so is JAX with plain descent. JAX on `mnist-adam` is 1.3e-5 away, since it takes `1 - beta^t` in `f32`.
pub const LOSS_TOLERANCE: f64 = 1e-5;

/// A network, its data and how it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Name on the command line.
    pub name: &'static str,
    /// Sizes from the inputs to the outputs. Hidden layers have a sigmoid.
    pub dims: &'static [usize],
    /// Activation of the last layer.
    pub last: Activation,
    /// The loss.
    pub loss: Loss,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Rows of a step.
    pub batch: usize,
    /// Rows of the data set.
    pub samples: usize,
    /// Sample i of the endless stream is row `i * stride % samples`.
    pub stride: usize,
    /// The step whose loss every program reports.
    pub check_steps: usize,
    /// That loss in exact arithmetic, as good as: computed by PyTorch 2.15 in `f64` (`benches/peers/expected.py`).
    pub expected_loss: f64,
}

/// What the classifiers on 28 x 28 images have in common.
const IMAGES: Workload = Workload {
    name: "mnist",
    dims: &[784, 128, 10],
    last: Activation::Identity,
    loss: Loss::cross_entropy(),
    optimizer: Optimizer::sgd(0.1),
    batch: 64,
    samples: 60_000,
    stride: 7919,
    check_steps: 100,
    expected_loss: 0.686829449182,
};

/// Every workload, small ones first.
pub const WORKLOADS: [Workload; 6] = [
    Workload {
        name: "seed",
        dims: &[2, 2, 2],
        last: Activation::Sigmoid,
        loss: Loss::HalfSquaredError,
        optimizer: Optimizer::sgd(0.6),
        batch: 1,
        samples: 4,
        stride: 3,
        check_steps: 100,
        expected_loss: 0.162999470182,
    },
    Workload {
        name: "digits",
        dims: &[64, 32, 10],
        batch: 32,
        samples: 1797,
        stride: 1009,
        expected_loss: 2.193178419474,
        ..IMAGES
    },
    IMAGES,
    Workload { name: "mnist-adam", optimizer: Optimizer::adam(1e-3), expected_loss: 0.087417930083, ..IMAGES },
    Workload {
        name: "wide",
        dims: &[784, 1024, 1024, 10],
        batch: 256,
        check_steps: 10,
        expected_loss: 2.857310970240,
        ..IMAGES
    },
    Workload {
        name: "square",
        dims: &[1024, 1024, 1024, 1024],
        loss: Loss::Mse,
        batch: 1024,
        samples: 8192,
        check_steps: 3,
        expected_loss: 0.499127198258,
        ..IMAGES
    },
];

/// Rows of a data set, generated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// rows x inputs, row-major.
    pub x: Vec<f32>,
    /// A class a row, for a loss on classes.
    pub classes: Vec<u32>,
    /// rows x outputs, for the other losses.
    pub numbers: Vec<f32>,
}

/// A uniform number in [0, 1), exact in `f32`: SplitMix64 (Steele, Lea and Flood, 2014) as a counter-based generator.
pub fn uniform(stream: u64, k: u64) -> f32 {
    let mut z = (stream << 40).wrapping_add(k).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 40) as f32 / 16_777_216.0
}

impl Workload {
    /// The workload called `name`.
    ///
    /// # Errors
    /// [`Error::Spec`] with the names there are.
    pub fn by_name(name: &str) -> Result<Workload> {
        let names = WORKLOADS.map(|w| w.name);
        WORKLOADS.into_iter().find(|w| w.name == name).ok_or_else(|| {
            let guess = did_you_mean(name, names);
            Error::spec("bench", format!("there is no workload \"{name}\"{guess} There are {}", names.join(", ")))
        })
    }

    /// The network.
    pub fn network(&self) -> Network {
        let last = self.dims.len() - 2;
        let layer = |(l, d): (usize, &[usize])| {
            Layer::dense(d[0], d[1], if l == last { self.last } else { Activation::Sigmoid }, true)
        };
        Network { layers: self.dims.windows(2).enumerate().map(layer).collect(), loss: self.loss }
    }

    /// Floating-point operations of a step as the peers count them: 6 a parameter and sample. It overstates, since the
    /// first layer needs no gradient of its input.
    pub fn flop_per_step(&self) -> f64 {
        let parameters: usize = self.dims.windows(2).map(|d| d[0] * d[1] + d[1]).sum();
        6.0 * parameters as f64 * self.batch as f64
    }

    /// Features of a sample.
    pub fn inputs(&self) -> usize {
        self.dims[0]
    }

    /// Outputs of the network.
    pub fn outputs(&self) -> usize {
        self.dims[self.dims.len() - 1]
    }

    /// Initial weights of layer `l`, `[out, in]` row-major. The peers number them `[in, out]`; the biases are zero.
    pub fn weights(&self, l: usize) -> Vec<f32> {
        let (inputs, outputs) = (self.dims[l], self.dims[l + 1]);
        let limit = (6.0 / (inputs + outputs) as f64).sqrt() as f32;
        let weight = |at: usize| {
            let (output, input) = (at / inputs, at % inputs);
            (uniform(WEIGHTS + l as u64, (input * outputs + output) as u64) * 2.0 - 1.0) * limit
        };
        (0..inputs * outputs).into_par_iter().map(weight).collect()
    }

    /// Rows `first..first + count` of the data set.
    pub fn samples(&self, first: usize, count: usize) -> Samples {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        if self.name == "seed" {
            const X: [f32; 8] = [0., 0., 0., 1., 1., 0., 1., 1.];
            const T: [f32; 8] = [0., 0., 1., 0., 1., 0., 0., 1.];
            let rows = 2 * first..2 * (first + count);
            return Samples { x: X[rows.clone()].to_vec(), numbers: T[rows].to_vec(), ..Samples::default() };
        }
        let random = |stream: u64, width: usize| {
            let numbers = first * width..(first + count) * width;
            numbers.into_par_iter().map(move |k| uniform(stream, k as u64))
        };
        if !self.loss.takes_class() {
            let (x, numbers) = (random(FEATURES, inputs).collect(), random(TARGETS, outputs).collect());
            return Samples { x, numbers, ..Samples::default() };
        }
        let prototypes: Vec<f32> = (0..outputs * inputs).map(|k| uniform(PROTOTYPES, k as u64)).collect();
        let mix = |(k, noise): (usize, f32)| {
            let at = first * inputs + k;
            0.5 * noise + 0.5 * prototypes[at / inputs % outputs * inputs + at % inputs]
        };
        Samples {
            x: random(FEATURES, inputs).enumerate().map(mix).collect(),
            classes: (first..first + count).map(|i| (i % outputs) as u32).collect(),
            numbers: Vec::new(),
        }
    }

    /// Rows `position..position + count` of the endless stream.
    pub fn order(&self, position: u64, count: usize) -> Vec<u32> {
        let start = position % self.samples as u64;
        let mut row = (start * self.stride as u64 % self.samples as u64) as usize;
        let mut order = Vec::with_capacity(count);
        for _ in 0..count {
            order.push(row as u32);
            row += self.stride;
            while row >= self.samples {
                row -= self.samples;
            }
        }
        order
    }

    /// Whether a loss of step [`Workload::check_steps`] is the peers'. NaN is not.
    pub fn agrees(&self, loss: f64) -> bool {
        (loss - self.expected_loss).abs() <= LOSS_TOLERANCE * self.expected_loss
    }
}
