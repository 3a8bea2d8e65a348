//! Initial parameters of a network.

mod method;

pub use method::Init;

use super::{Layer, Start, Stored};
use crate::data::rng::{Philox, Purpose, stream};

/// A named tensor on the host, in f64.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// `layers.N.weight`, `layers.N.bias`, or what the file calls it.
    pub name: String,
    /// `[out, in]` for a weight, `[out]` for a bias.
    pub shape: Vec<usize>,
    /// The values, row-major, as many as the product of `shape`.
    pub values: Vec<f64>,
}

/// Names and shapes of the parameters of a network, in order: `layers.N.weight` \[out, in\], `layers.N.bias` \[out\].
pub fn parameter_shapes(layers: &[Layer]) -> Vec<(String, Vec<usize>)> {
    named(layers, Layer::parameters).map(|(name, stored)| (name, stored.shape)).collect()
}

/// The same with what layers keep beside their parameters, each layer's after its parameters: all that a weight file holds.
pub fn tensor_shapes(layers: &[Layer]) -> Vec<(String, Vec<usize>)> {
    named(layers, Layer::stored).map(|(name, stored)| (name, stored.shape)).collect()
}

fn named(layers: &[Layer], of: impl Fn(&Layer) -> Vec<Stored>) -> impl Iterator<Item = (String, Stored)> {
    let each = layers.iter().enumerate();
    each.flat_map(move |(i, layer)| of(layer).into_iter().map(move |s| (format!("layers.{i}.{}", s.suffix), s)))
}

/// Initial parameters, in the order of [`tensor_shapes`], by [`Init::Auto`].
///
/// Each layer has a random stream of its own, so a layer more or less leaves the others as they were. The
/// values are rounded to f32, so that f32 and f64 start from the same numbers.
pub fn initial_parameters(layers: &[Layer], seed: u64) -> Vec<Tensor> {
    draw_parameters(layers, Init::Auto, seed)
}

/// The same by the method `init` where a layer says [`Init::Auto`].
pub fn draw_parameters(layers: &[Layer], init: Init, seed: u64) -> Vec<Tensor> {
    let mut tensors = Vec::with_capacity(2 * layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let mut rng = Philox::new(seed, stream(Purpose::Init, i as u32));
        for Stored { suffix, shape, start, .. } in layer.stored() {
            let values = match start {
                Start::Constant(value) => vec![value; shape.iter().product()],
                Start::Drawn(own) => {
                    let method = if own == Init::Auto { init } else { own };
                    let drawn = method.draw(&shape, layer.activation, &mut rng);
                    drawn.into_iter().map(|v| f64::from(v as f32)).collect()
                }
            };
            tensors.push(Tensor { name: format!("layers.{i}.{suffix}"), shape, values });
        }
    }
    tensors
}
