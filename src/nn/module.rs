//! What a module of a network is: all that the rest of the crate asks a dense layer, or a user's own, about itself, and what the
//! module asks of the reader of a spec.

use super::{Exporter, Init, Scope};
use crate::error::{Error, Result};
use crate::graph::Value;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A module: what a layer computes before its activation.
///
/// A module takes a matrix with a sample in each row and gives one with as many rows. It is a description: it holds sizes and
/// choices, and the parameters live in a [`crate::Trainer`] or a run. [The guide](crate::guide#an-operation-of-ones-own) shows
/// one of a user's own.
pub trait Module: Any + Debug + Send + Sync {
    /// Its name, which is also the key that names it in a spec's `[[model.layers]]`.
    fn name(&self) -> &'static str;

    /// Its keys in a spec with their values as TOML, the one of its name first. They decide whether two modules are equal.
    fn keys(&self) -> Vec<(&'static str, String)>;

    /// The number of outputs, where the module says it by itself.
    fn width(&self) -> Option<usize> {
        None
    }

    /// The number of outputs for a number of inputs: [`Module::width`], or as many as there are inputs.
    ///
    /// # Errors
    /// Why it cannot compute: what it found and what to do.
    fn outputs(&self, inputs: usize) -> std::result::Result<usize, String> {
        Ok(self.width().unwrap_or(inputs))
    }

    /// What it keeps from step to step: its parameters, then its buffers, in the order of a weight file.
    fn stored(&self, inputs: usize) -> Vec<Stored> {
        let _ = inputs;
        Vec::new()
    }

    /// Appends the operations that compute it to a graph.
    ///
    /// # Errors
    /// [`Error::Shape`] for operands that do not fit.
    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value>;

    /// A line for people; `activation` is the name of the layer's activation.
    fn describe(&self, inputs: usize, activation: &str) -> String {
        let _ = inputs;
        self.name().to_owned() + &followed_by(activation)
    }

    /// Whether it changes nothing in evaluation and prediction.
    fn only_trains(&self) -> bool {
        false
    }

    /// Whether it takes statistics over the batch, which then cannot go through the network in parts.
    fn takes_statistics(&self) -> bool {
        false
    }

    /// PyTorch's module with the same tensors under the same names, if there is one.
    fn pytorch(&self) -> Option<&'static str> {
        None
    }

    /// Writes it into an ONNX file, as it is in use; `x` names its input, the result its output.
    ///
    /// # Errors
    /// [`Error::Shape`] where ONNX has no counterpart.
    fn onnx(&self, file: &mut dyn Exporter, x: &str) -> Result<String> {
        let _ = (file, x);
        Err(Error::Shape(format!(
            "the module {} has no form in ONNX. Hand on the weights in model.safetensors, or write Module::onnx for it",
            self.name()
        )))
    }
}

/// The end of a line that describes a layer: nothing where there is no activation.
pub(super) fn followed_by(activation: &str) -> String {
    if activation == "identity" { String::new() } else { format!(" {activation}") }
}

impl PartialEq for dyn Module {
    fn eq(&self, other: &dyn Module) -> bool {
        self.type_id() == other.type_id() && self.keys() == other.keys()
    }
}

/// A tensor that a module keeps from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The end of its name: that of `layers.0.weight` is `weight`.
    pub suffix: &'static str,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// What changes it.
    pub kind: Kind,
    /// What it holds at first.
    pub start: Start,
}

/// What changes a stored tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A parameter to which weight decay applies.
    Decayed,
    /// A parameter to which weight decay does not apply: a bias, or a scale, which decay would pull to a 0 that means nothing.
    Undecayed,
    /// A buffer, which the forward pass of a training step changes and no gradient reaches.
    Buffer,
}

/// What a stored tensor holds at first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// This number everywhere.
    Constant(f64),
    /// Drawn, as the weights `[out, in]` of a layer; [`Init::Auto`] gives way to the method that is chosen for all layers.
    Drawn(Init),
}

impl Stored {
    /// A parameter without weight decay that starts as one number.
    pub fn constant(suffix: &'static str, shape: &[usize], value: f64) -> Stored {
        Stored { suffix, shape: shape.to_vec(), kind: Kind::Undecayed, start: Start::Constant(value) }
    }

    /// A parameter with weight decay that starts drawn.
    pub fn drawn(suffix: &'static str, shape: &[usize], init: Init) -> Stored {
        Stored { suffix, shape: shape.to_vec(), kind: Kind::Decayed, start: Start::Drawn(init) }
    }

    /// A buffer that starts as one number.
    pub fn buffer(suffix: &'static str, shape: &[usize], value: f64) -> Stored {
        Stored { kind: Kind::Buffer, ..Stored::constant(suffix, shape, value) }
    }
}

/// An entry of `[[model.layers]]` under reading. A key that no method asked for is an error in the end.
pub trait Keys {
    /// A whole number of at least 1, which must be there.
    ///
    /// # Errors
    /// [`crate::Error::Spec`] with file, line and column, as for the other methods.
    fn size(&self, key: &'static str) -> Result<usize>;

    /// A number that `accept` accepts, which must be there; `range` says which numbers those are.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn number(&self, key: &'static str, range: &str, accept: fn(f64) -> bool) -> Result<f64>;

    /// A truth value, or `default`.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn flag(&self, key: &'static str, default: bool) -> Result<bool>;

    /// Checks that the key that names the module is `true`, because the module has no size to state there.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn named_alone(&self, key: &'static str) -> Result<()>;

    /// How weights are drawn: the key `init`, or what the spec says for all layers.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn init(&self) -> Result<Init>;
}

/// Reads a module.
pub type Read = fn(&dyn Keys) -> Result<Arc<dyn Module>>;
