//! The workloads: data, initial weights and order of samples, bit for bit those of the peer programs
//! (`benches/peers/common/workloads.rs` and `workloads.py`), so that losses can be compared between programs.

use crate::data::nearest::did_you_mean;
use crate::error::{Error, Result};
use crate::graph::{Activation, Loss, Optimizer};
use crate::model::{Layer, Network};
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

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.dims.windows(2).map(|d| d[0] * d[1] + d[1]).sum()
    }

    /// Floating-point operations of a step as the peers count them: 6 a parameter and sample. It overstates, since the
    /// first layer needs no gradient of its input.
    pub fn flop_per_step(&self) -> f64 {
        6.0 * self.parameters() as f64 * self.batch as f64
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
        let classes = self.outputs();
        let prototypes: Vec<f32> = (0..classes * inputs).map(|k| uniform(PROTOTYPES, k as u64)).collect();
        let mix = |(k, noise): (usize, f32)| {
            let at = first * inputs + k;
            0.5 * noise + 0.5 * prototypes[at / inputs % classes * inputs + at % inputs]
        };
        Samples {
            x: random(FEATURES, inputs).enumerate().map(mix).collect(),
            classes: (first..first + count).map(|i| (i % classes) as u32).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// FNV-1a over the bits, 0 of nothing.
    fn digest(values: &[f32]) -> u64 {
        let step = |h: u64, v: &f32| (h ^ u64::from(v.to_bits())).wrapping_mul(0x0100_0000_01b3);
        if values.is_empty() { 0 } else { values.iter().fold(0xcbf2_9ce4_8422_2325, step) }
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn the_numbers_are_those_of_the_peers() {
        // Printed by a program over the peers' own `workloads.rs`: features, targets and classes of the last two rows, and
        // the weights of all layers, transposed.
        let peers: [(&str, u64, u64, u64, &[u32]); 6] = [
            ("seed", 0x9bd6_49c6_914e_13f5, 0x9bd6_1c78_8cce_13f5, 0x219c_33a9_7f7f_0442, &[]),
            ("digits", 0xa618_b55d_a49c_b466, 0, 0x5a9c_f00e_50db_be97, &[5, 6]),
            ("mnist", 0xaa81_56e7_07bc_c723, 0, 0x5bc4_6b94_9765_2469, &[8, 9]),
            ("mnist-adam", 0xaa81_56e7_07bc_c723, 0, 0x5bc4_6b94_9765_2469, &[8, 9]),
            ("wide", 0xaa81_56e7_07bc_c723, 0, 0xfd21_1bed_5131_376d, &[8, 9]),
            ("square", 0xab3e_5e10_f69b_beab, 0x5e5c_492b_8ed3_15f4, 0xbc64_0b3d_4940_2f2b, &[]),
        ];
        for (name, x, targets, weights, classes) in peers {
            let w = Workload::by_name(name).unwrap();
            let last = w.samples(w.samples - 2, 2);
            assert_eq!((digest(&last.x), digest(&last.numbers)), (x, targets), "{name}");
            assert_eq!(last.classes, classes, "{name}");
            let layers = (0..w.dims.len() - 1).map(|l| digest(&w.weights(l)).rotate_left(l as u32));
            assert_eq!(layers.fold(0, |a, b| a ^ b), weights, "{name}");
        }
        let few = [uniform(1, 0), uniform(2, 47_039_999), uniform(12, 7)];
        assert_eq!(bits(&few), [1_036_630_192, 1_035_875_456, 1_058_217_212]);
    }

    #[test]
    fn pieces_are_parts_of_the_whole_and_the_stream_goes_on() {
        for name in ["seed", "digits"] {
            let w = Workload::by_name(name).unwrap();
            let (whole, part) = (w.samples(0, w.samples), w.samples(1, 2));
            assert_eq!(bits(&part.x), bits(&whole.x[w.inputs()..3 * w.inputs()]), "{name}");
            assert_eq!(part.classes, whole.classes.get(1..3).unwrap_or_default());
            assert_eq!(part.numbers, whole.numbers.get(w.outputs()..3 * w.outputs()).unwrap_or_default());
            // As the peers compute it.
            let expected: Vec<u32> = (0..5000).map(|i| (i % w.samples * w.stride % w.samples) as u32).collect();
            assert_eq!([w.order(0, 1234), w.order(1234, 5000 - 1234)].concat(), expected);
        }
    }

    #[test]
    fn an_unknown_name_is_met_with_the_nearest() {
        let message = Workload::by_name("digit").unwrap_err().to_string();
        assert!(message.contains("did you mean \"digits\"?") && message.contains("mnist-adam"), "{message}");
    }

    #[test]
    fn a_wrong_loss_does_not_agree() {
        for w in WORKLOADS {
            let e = w.expected_loss;
            assert!(w.agrees(e) && w.agrees(e * (1.0 + 9e-6)) && w.agrees(e * (1.0 - 9e-6)), "{}", w.name);
            assert!(!w.agrees(e * (1.0 + 1.1e-5)) && !w.agrees(e * (1.0 - 1.1e-5)) && !w.agrees(f64::NAN));
        }
    }
}
