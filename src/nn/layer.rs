//! One entry of a network: a module, its activation and its sizes.

use super::dense::Dense;
use super::module::{Kind, Module, Stored};
use crate::error::{Error, Result};
use crate::graph::Activation;
use std::any::Any;
use std::sync::Arc;

/// One entry of `model.layers`. The activation is part of the entry, so that N in `layers.N.weight` counts entries.
///
/// The layers of a [`super::Network`] know their sizes. Those of a spec, which is read before its data, do not yet: there both are
/// 0, and [`chain`] fills them in.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Numbers of a sample that go in.
    pub inputs: usize,
    /// Numbers of a sample that come out.
    pub outputs: usize,
    /// The activation after the module.
    pub activation: Activation,
    /// What the layer computes before it.
    pub module: Arc<dyn Module>,
}

impl PartialEq for Layer {
    fn eq(&self, other: &Layer) -> bool {
        let own = (self.inputs, self.outputs, self.activation);
        own == (other.inputs, other.outputs, other.activation) && *self.module == *other.module
    }
}

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
    /// A layer whose sizes are not known yet.
    pub fn new(module: impl Module, activation: Activation) -> Layer {
        Layer { inputs: 0, outputs: 0, activation, module: Arc::new(module) }
    }

    /// A dense layer.
    pub fn dense(inputs: usize, outputs: usize, activation: Activation, bias: bool) -> Layer {
        let module = Dense { bias, ..Dense::new(outputs) };
        Layer { inputs, outputs, ..Layer::new(module, activation) }
    }

    /// A layer that gives as many numbers as it takes.
    pub fn same_width(width: usize, module: impl Module, activation: Activation) -> Layer {
        Layer { inputs: width, outputs: width, ..Layer::new(module, activation) }
    }

    /// The module, if it is an `M`.
    pub fn is<M: Module>(&self) -> Option<&M> {
        (self.module.as_ref() as &dyn Any).downcast_ref()
    }

    /// Suffixes and shapes of its parameters, in order: `weight` \[out, in\], `bias` \[out\] for a dense layer.
    pub fn parameters(&self) -> Vec<Stored> {
        let mut stored = self.stored();
        stored.retain(|stored| stored.kind != Kind::Buffer);
        stored
    }

    /// The same with what it keeps beside its parameters.
    pub fn stored(&self) -> Vec<Stored> {
        self.module.stored(self.inputs)
    }

    /// The layer in a line: `64 -> 32 sigmoid`, `dropout 0.2`.
    pub fn describe(&self) -> String {
        self.module.describe(self.inputs, self.activation.name())
    }
}

/// The layers with their sizes, the first of which takes `inputs` numbers of a sample.
///
/// # Errors
/// [`Error::Shape`] names the first layer that cannot compute and says why.
pub fn chain(mut inputs: usize, layers: &[Layer]) -> Result<Vec<Layer>> {
    let mut sized = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let outputs = layer.module.outputs(inputs).map_err(|why| Error::Shape(format!("layers.{i}: {why}")))?;
        sized.push(Layer { inputs, outputs, ..layer.clone() });
        inputs = outputs;
    }
    Ok(sized)
}
