//! How the weights of a dense layer are drawn.

use crate::data::rng::Philox;
use crate::graph::Activation;
use crate::model::Layer;
use std::f64::consts::TAU;

/// How the weights of a layer are drawn; biases start at 0.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Init {
    /// [`Init::GlorotUniform`] or [`Init::HeUniform`], whichever suits the layer's activation (see [`Init::resolve`]).
    #[default]
    Auto,
    /// Uniform within sqrt(6 / (in + out)) (X. Glorot, Y. Bengio, AISTATS 2010, eq. 16; also called Xavier).
    GlorotUniform,
    /// Normal with variance 2 / (in + out) (Glorot and Bengio, eq. 12).
    GlorotNormal,
    /// Uniform within sqrt(6 / ((1 + slope^2) in)), the slope being that of leaky_relu and else 0 (K. He et al., ICCV 2015,
    /// eq. 15; also called Kaiming).
    HeUniform,
    /// Normal with variance 2 / ((1 + slope^2) in) (He et al., eq. 15).
    HeNormal,
    /// Uniform within sqrt(3 / in) (Y. LeCun et al., "Efficient BackProp", 1998, eq. 16).
    LecunUniform,
    /// Normal with variance 1 / in (LeCun et al.).
    LecunNormal,
    /// Uniform within `bound`.
    Uniform {
        /// Largest absolute value.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Rows (or columns, where there are more rows than columns) of length `gain`, each orthogonal to the others, evenly
    /// distributed (A. Saxe et al., ICLR 2014; F. Mezzadri, Notices of the AMS 54, 2007).
    Orthogonal {
        /// Length of a row.
        gain: f64,
    },
    /// All 0: of use for a last layer alone, since the units of an inner layer would stay alike.
    Zeros,
}

impl Init {
    /// Names in a spec; `xavier_*` and `kaiming_*` are other names of `glorot_*` and `he_*`.
    pub const NAMES: &[&str] = &[
        "auto",
        "glorot_uniform",
        "glorot_normal",
        "xavier_uniform",
        "xavier_normal",
        "he_uniform",
        "he_normal",
        "kaiming_uniform",
        "kaiming_normal",
        "lecun_uniform",
        "lecun_normal",
        "uniform",
        "normal",
        "orthogonal",
        "zeros",
    ];

    /// The method called `name`, its parameters at their defaults: those of `torch.nn.init` (bound 1, deviation 1, gain 1).
    pub fn by_name(name: &str) -> Option<Init> {
        Some(match name {
            "auto" => Init::Auto,
            "glorot_uniform" | "xavier_uniform" => Init::GlorotUniform,
            "glorot_normal" | "xavier_normal" => Init::GlorotNormal,
            "he_uniform" | "kaiming_uniform" => Init::HeUniform,
            "he_normal" | "kaiming_normal" => Init::HeNormal,
            "lecun_uniform" => Init::LecunUniform,
            "lecun_normal" => Init::LecunNormal,
            "uniform" => Init::Uniform { bound: 1.0 },
            "normal" => Init::Normal { std: 1.0 },
            "orthogonal" => Init::Orthogonal { gain: 1.0 },
            "zeros" => Init::Zeros,
            _ => return None,
        })
    }

    /// The name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Init::Auto => "auto",
            Init::GlorotUniform => "glorot_uniform",
            Init::GlorotNormal => "glorot_normal",
            Init::HeUniform => "he_uniform",
            Init::HeNormal => "he_normal",
            Init::LecunUniform => "lecun_uniform",
            Init::LecunNormal => "lecun_normal",
            Init::Uniform { .. } => "uniform",
            Init::Normal { .. } => "normal",
            Init::Orthogonal { .. } => "orthogonal",
            Init::Zeros => "zeros",
        }
    }

    /// The method behind [`Init::Auto`]: Glorot's for activations that are about linear at 0, He's for those of the shape of
    /// relu, which pass one side and scale the other.
    pub fn resolve(self, activation: Activation) -> Init {
        match (self, activation) {
            (Init::Auto, activation) if activation.is_linear() => Init::GlorotUniform,
            (Init::Auto, _) => Init::HeUniform,
            (chosen, _) => chosen,
        }
    }

    /// The weights `[out, in]` of `layer`, row-major.
    pub(super) fn draw(self, layer: &Layer, rng: &mut Philox) -> Vec<f64> {
        let count = layer.inputs * layer.outputs;
        let (inputs, both) = (layer.inputs as f64, (layer.inputs + layer.outputs) as f64);
        let slope = layer.activation.negative_slope();
        let he = (1.0 + slope * slope) * inputs;
        // A uniform number within b has variance b^2 / 3.
        match self.resolve(layer.activation) {
            Init::Auto | Init::GlorotUniform => uniform(count, (6.0 / both).sqrt(), rng),
            Init::GlorotNormal => normal(count, (2.0 / both).sqrt(), rng),
            Init::HeUniform => uniform(count, (6.0 / he).sqrt(), rng),
            Init::HeNormal => normal(count, (2.0 / he).sqrt(), rng),
            Init::LecunUniform => uniform(count, (3.0 / inputs).sqrt(), rng),
            Init::LecunNormal => normal(count, (1.0 / inputs).sqrt(), rng),
            Init::Uniform { bound } => uniform(count, bound, rng),
            Init::Normal { std } => normal(count, std, rng),
            Init::Orthogonal { gain } => orthogonal(layer.outputs, layer.inputs, gain, rng),
            Init::Zeros => vec![0.0; count],
        }
    }
}

fn uniform(count: usize, bound: f64, rng: &mut Philox) -> Vec<f64> {
    (0..count).map(|_| (2.0 * rng.next_f64() - 1.0) * bound).collect()
}

/// Normal numbers (G. Box, M. Muller, Annals of Mathematical Statistics 29, 1958), two from each pair of uniform ones.
fn normal(count: usize, std: f64, rng: &mut Philox) -> Vec<f64> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // 1 - u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * (1.0 - rng.next_f64()).ln()).sqrt() * std;
        let angle = TAU * rng.next_f64();
        values.extend([radius * angle.cos(), radius * angle.sin()]);
    }
    values.truncate(count);
    values
}

/// A `rows` x `columns` matrix with orthogonal rows, or columns where there are more rows: Gram and Schmidt's method on
/// normal vectors, which leaves the triangular factor's diagonal positive, as an even distribution needs (Mezzadri 2007).
fn orthogonal(rows: usize, columns: usize, gain: f64, rng: &mut Philox) -> Vec<f64> {
    let (count, width) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector = normal(width, 1.0, rng);
        // Twice: one pass leaves what cancellation brought in.
        for _ in 0..2 {
            for earlier in &basis {
                let along: f64 = vector.iter().zip(earlier).map(|(v, e)| v * e).sum();
                vector.iter_mut().zip(earlier).for_each(|(v, e)| *v -= along * e);
            }
        }
        let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|v| *v /= length);
        basis.push(vector);
    }
    let at = |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    (0..rows * columns).map(|i| gain * at(i / columns, i % columns)).collect()
}
