//! What a file holds.

use crate::graph::Activation;
use crate::nn::{Dense, Layer};

/// A layer of a file, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLayer {
    /// What it computes.
    pub layer: Layer,
    /// Its parameters, then what it keeps beside them, each row-major: in the order of [`Layer::stored`].
    pub values: Vec<Vec<f32>>,
}

impl FoundLayer {
    /// A dense layer: `weight` \[outputs, inputs\] row-major, `bias` \[outputs\] where there is one.
    pub fn dense(inputs: usize, outputs: usize, weight: Vec<f32>, bias: Option<Vec<f32>>) -> FoundLayer {
        let layer = Layer::dense(inputs, outputs, Activation::Identity, bias.is_some());
        FoundLayer { layer, values: std::iter::once(weight).chain(bias).collect() }
    }

    /// Whether it is a dense layer without a bias, which may still get one.
    pub(super) fn lacks_bias(&self) -> bool {
        self.layer.is::<Dense>().is_some_and(|dense| !dense.bias)
    }
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The layers, first to last.
    pub layers: Vec<FoundLayer>,
    /// Shift and divisor of each input, where the file scales its inputs.
    pub scaling: Option<(Vec<f64>, Vec<f64>)>,
    /// True where the last operation is a log-softmax: the last layer then gives logits.
    pub log_softmax: bool,
    /// The file's metadata.
    pub metadata: Vec<(String, String)>,
}

impl Found {
    /// What the metadata say under `key`.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(found, _)| found == key).map(|(_, text)| text.as_str())
    }
}
