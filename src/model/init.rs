//! Initial parameters of a network.

use crate::data::rng::{Philox, Purpose, stream};
use crate::graph::Activation;

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

/// What the initial parameters of a dense layer depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseShape {
    /// Numbers a sample that go in.
    pub inputs: usize,
    /// Numbers a sample that come out.
    pub outputs: usize,
    /// The activation after the layer.
    pub activation: Activation,
    /// Whether there is a bias.
    pub bias: bool,
}

/// Names and shapes of the parameters of a network, in order: `layers.N.weight` \[out, in\], `layers.N.bias` \[out\].
pub fn parameter_shapes(layers: &[DenseShape]) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::with_capacity(2 * layers.len());
    for (i, layer) in layers.iter().enumerate() {
        shapes.push((format!("layers.{i}.weight"), vec![layer.outputs, layer.inputs]));
        if layer.bias {
            shapes.push((format!("layers.{i}.bias"), vec![layer.outputs]));
        }
    }
    shapes
}

/// Initial parameters, in the order of [`parameter_shapes`]: uniform weights within the bound of [`weight_bound`],
/// biases 0.
///
/// Each weight tensor has a random stream of its own, so a layer more or less leaves the others as they were. The
/// values are rounded to f32, so that f32 and f64 start from the same numbers.
pub fn initial_parameters(layers: &[DenseShape], seed: u64) -> Vec<Tensor> {
    let mut tensors = Vec::with_capacity(2 * layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let bound = weight_bound(layer);
        let mut rng = Philox::new(seed, stream(Purpose::Init, i as u32));
        let values = (0..layer.inputs * layer.outputs)
            .map(|_| f64::from(((2.0 * rng.next_f64() - 1.0) * bound) as f32))
            .collect();
        tensors.push(Tensor { name: format!("layers.{i}.weight"), shape: vec![layer.outputs, layer.inputs], values });
        if layer.bias {
            let values = vec![0.0; layer.outputs];
            tensors.push(Tensor { name: format!("layers.{i}.bias"), shape: vec![layer.outputs], values });
        }
    }
    tensors
}

/// The largest initial weight: it keeps the spread of the signals the same from layer to layer.
///
/// sqrt(6 / (in + out)) for activations that are about linear at 0 (X. Glorot, Y. Bengio, AISTATS 2010, eq. 16);
/// sqrt(6 / ((1 + slope^2) in)) for those of the shape of relu, which pass one side and scale the other by `slope`
/// (K. He et al., ICCV 2015, eq. 15; a uniform number within b has variance b^2 / 3).
pub fn weight_bound(layer: &DenseShape) -> f64 {
    let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
    match layer.activation {
        Activation::Identity | Activation::Sigmoid | Activation::Tanh | Activation::Softmax => {
            (6.0 / (inputs + outputs)).sqrt()
        }
        Activation::Relu | Activation::Gelu | Activation::GeluTanh | Activation::Silu | Activation::Softplus => {
            (6.0 / inputs).sqrt()
        }
        Activation::LeakyRelu { slope } => (6.0 / ((1.0 + slope * slope) * inputs)).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(inputs: usize, outputs: usize, activation: Activation) -> DenseShape {
        DenseShape { inputs, outputs, activation, bias: true }
    }

    #[test]
    fn names_and_shapes_are_those_of_the_parameters() {
        let layers = [layer(3, 4, Activation::Tanh), DenseShape { bias: false, ..layer(4, 2, Activation::Relu) }];
        let tensors = initial_parameters(&layers, 1);
        let found: Vec<_> = tensors.iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
        assert_eq!(found, parameter_shapes(&layers));
        assert_eq!(found[0], ("layers.0.weight".to_owned(), vec![4, 3]));
        assert_eq!(found[1], ("layers.0.bias".to_owned(), vec![4]));
        assert_eq!(found[2], ("layers.1.weight".to_owned(), vec![2, 4]));
        assert_eq!(found.len(), 3);
        assert!(tensors.iter().all(|t| t.values.len() == t.shape.iter().product::<usize>()));
        assert!(tensors[1].values.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn weights_fill_their_bound_evenly() {
        for (activation, bound) in [
            (Activation::Sigmoid, (6.0_f64 / 300.0).sqrt()),
            (Activation::Relu, (6.0_f64 / 100.0).sqrt()),
            (Activation::LeakyRelu { slope: 2.0 }, (6.0_f64 / 500.0).sqrt()),
        ] {
            let weights = &initial_parameters(&[layer(100, 200, activation)], 3)[0].values;
            assert!(weights.iter().all(|v| v.abs() <= f64::from(bound as f32)));
            assert!(weights.iter().all(|&v| f64::from(v as f32) == v));
            // Mean 0 and variance bound^2 / 3; the standard errors are bound / sqrt(3 n) and bound^2 sqrt(4 / 45 n).
            let n = weights.len() as f64;
            let mean = weights.iter().sum::<f64>() / n;
            let variance = weights.iter().map(|v| v * v).sum::<f64>() / n;
            assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt(), "{activation:?}: mean {mean}");
            let error = (variance - bound * bound / 3.0).abs();
            assert!(error < 5.0 * bound * bound * (4.0 / (45.0 * n)).sqrt(), "{activation:?}: variance {variance}");
        }
    }

    #[test]
    fn a_layer_keeps_its_weights_when_another_changes() {
        let first = layer(5, 6, Activation::Tanh);
        let second = layer(6, 7, Activation::Tanh);
        let a = initial_parameters(&[first, second], 1);
        let b = initial_parameters(&[DenseShape { inputs: 9, bias: false, ..first }, second], 1);
        assert_eq!(a[2], b[1]);
        assert_ne!(a[0].values[..30], a[2].values[..30]);
        assert_ne!(a, initial_parameters(&[first, second], 2));
        assert_eq!(a, initial_parameters(&[first, second], 1));
    }
}
