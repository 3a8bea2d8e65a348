//! One entry of a network: what it computes, its sizes, its parameters.

use crate::error::{Error, Result};
use crate::graph::Activation;

/// One entry of `model.layers`. The activation is part of the entry, so that N in `layers.N.weight` counts entries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// Numbers a sample that go in.
    pub inputs: usize,
    /// Numbers a sample that come out.
    pub outputs: usize,
    /// The activation after the layer.
    pub activation: Activation,
    /// What the layer computes.
    pub kind: LayerKind,
}

/// What a layer computes, before its activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerKind {
    /// y = x · wᵀ + b, `weight` \[out, in\], `bias` \[out\]
    Dense {
        /// Whether there is a bias.
        bias: bool,
    },
    /// In training y = x / (1 - p) where a random number says so and 0 elsewhere, in use y = x; no parameters.
    Dropout {
        /// The share of numbers that become 0, at least 0 and below 1.
        p: f64,
    },
    /// y = (x - mean) / sqrt(variance + [`EPS`]) · weight + bias over the numbers of each sample; `weight`, `bias` \[width\]
    LayerNorm,
    /// The same over the samples of the batch in training, by running statistics in use; `weight`, `bias` and, not trained,
    /// `running_mean`, `running_var` \[width\]
    BatchNorm,
}

/// What the normalising layers add to the variance; PyTorch's default.
pub const EPS: f64 = 1e-5;
/// The weight of a batch in the running statistics; PyTorch's default.
pub const MOMENTUM: f64 = 0.1;

/// Whether a network learns or is used: dropout and batch norm differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// As in a training step.
    Train,
    /// As in evaluation and prediction.
    #[default]
    Evaluate,
}

impl Layer {
    /// A dense layer.
    pub const fn dense(inputs: usize, outputs: usize, activation: Activation, bias: bool) -> Layer {
        Layer { inputs, outputs, activation, kind: LayerKind::Dense { bias } }
    }

    /// A layer that leaves `width` numbers a sample as many as they are.
    pub const fn same_width(width: usize, kind: LayerKind, activation: Activation) -> Layer {
        Layer { inputs: width, outputs: width, activation, kind }
    }

    /// Whether it is a dense layer with a bias.
    pub fn has_bias(&self) -> bool {
        self.kind == LayerKind::Dense { bias: true }
    }

    /// Refuses a layer that cannot compute.
    ///
    /// # Errors
    /// [`Error::Shape`] says what is wrong with it.
    pub fn check(&self) -> Result<()> {
        match self.kind {
            LayerKind::Dropout { p } if !(0.0..1.0).contains(&p) => Err(Error::Shape(format!(
                "dropout drops a share of at least 0 and below 1, found {p}. Choose one, such as 0.5"
            ))),
            _ => Ok(()),
        }
    }

    /// Suffixes and shapes of its parameters, in order: `weight` \[out, in\], `bias` \[out\] for a dense layer.
    pub fn parameters(&self) -> Vec<(&'static str, Vec<usize>)> {
        match self.kind {
            LayerKind::Dense { bias } => {
                let mut shapes = vec![("weight", vec![self.outputs, self.inputs])];
                if bias {
                    shapes.push(("bias", vec![self.outputs]));
                }
                shapes
            }
            LayerKind::Dropout { .. } => Vec::new(),
            LayerKind::LayerNorm | LayerKind::BatchNorm => {
                vec![("weight", vec![self.outputs]), ("bias", vec![self.outputs])]
            }
        }
    }

    /// Suffixes and shapes of what is kept with the parameters and not trained by gradients.
    pub fn buffers(&self) -> Vec<(&'static str, Vec<usize>)> {
        match self.kind {
            LayerKind::BatchNorm => vec![("running_mean", vec![self.outputs]), ("running_var", vec![self.outputs])],
            LayerKind::Dense { .. } | LayerKind::Dropout { .. } | LayerKind::LayerNorm => Vec::new(),
        }
    }

    /// The layer in a line: `64 -> 32 sigmoid`, `dropout 0.2`.
    pub fn describe(&self) -> String {
        let activation = match self.activation {
            Activation::Identity => String::new(),
            other => format!(" {}", other.name()),
        };
        match self.kind {
            LayerKind::Dense { bias } => {
                let bias = if bias { "" } else { ", no bias" };
                format!("{} -> {} {}{bias}", self.inputs, self.outputs, self.activation.name())
            }
            LayerKind::Dropout { p } => format!("dropout {p}{activation}"),
            LayerKind::LayerNorm => format!("layer_norm{activation}"),
            LayerKind::BatchNorm => format!("batch_norm{activation}"),
        }
    }
}
