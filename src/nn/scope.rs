//! Where a module appends its operations: the graph, and what it may know of the step that the graph is for.

use super::layer::{Layer, Mode};
use super::module::{Kind, Stored};
use crate::error::{Error, Result};
use crate::graph::{Activation, COUNT, Graph, Operation, RANDOM, RANDOM_COLUMNS, Source, TensorType, Value};
use crate::ops::Activate;

/// A graph under construction, as one layer of a network sees it.
pub struct Scope<'a> {
    graph: &'a mut Graph,
    layer: &'a Layer,
    /// Number of the layer.
    index: usize,
    mode: Mode,
    /// Which part of a batch this is.
    part: usize,
    stored: Vec<Stored>,
}

/// Appends layers to a graph; gives the output of the last.
pub(super) fn forward(graph: &mut Graph, layers: &[Layer], mode: Mode, part: usize, mut x: Value) -> Result<Value> {
    for (index, layer) in layers.iter().enumerate() {
        let stored = layer.module.stored(layer.inputs);
        let mut scope = Scope { graph, layer, index, mode, part, stored };
        x = layer.module.forward(&mut scope, x)?;
        if layer.activation != Activation::Identity {
            x = scope.push(Activate(layer.activation), &[x])?;
        }
    }
    Ok(x)
}

impl Scope<'_> {
    /// Whether the graph is for training or for use.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Numbers of a sample that go into the layer.
    pub fn inputs(&self) -> usize {
        self.layer.inputs
    }

    /// Appends an operation under the layer's name; the result is its first value.
    ///
    /// # Errors
    /// [`Error::Shape`] where the operands do not fit.
    pub fn push(&mut self, operation: impl Operation, operands: &[Value]) -> Result<Value> {
        self.graph.push(operation, operands, &format!("layers.{}", self.index))
    }

    /// The same where a layer has several operations, each with a name of its own behind the layer's.
    ///
    /// # Errors
    /// As [`Scope::push`].
    pub fn push_named(&mut self, operation: impl Operation, operands: &[Value], name: &str) -> Result<Value> {
        self.graph.push(operation, operands, &format!("layers.{}.{name}", self.index))
    }

    /// A tensor of [`super::Module::stored`].
    ///
    /// # Errors
    /// [`Error::Internal`] where the module has none of this name.
    pub fn stored(&mut self, suffix: &str) -> Result<Value> {
        let stored = self.stored.iter().find(|stored| stored.suffix == suffix).ok_or_else(|| {
            let module = self.layer.module.name();
            Error::Internal(format!(
                "the module {module} asks for its tensor {suffix}, which Module::stored does not list"
            ))
        })?;
        let name = format!("layers.{}.{suffix}", self.index);
        let source = match stored.kind {
            Kind::Buffer => Source::Buffer { name },
            kind => Source::Param { name, decay: kind == Kind::Decayed },
        };
        Ok(self.graph.source_once(source, TensorType::f32(&stored.shape), &format!("layers.{}", self.index)))
    }

    /// The row of random numbers' counters and key of this step.
    pub fn random(&mut self) -> Value {
        self.table(RANDOM, RANDOM_COLUMNS)
    }

    /// Tells the random numbers of this layer from those of others: the parts of a batch have numbers of their own, as layers
    /// have.
    pub fn stream(&self) -> u32 {
        self.index as u32 | (self.part as u32) << 16
    }

    /// How many rows of this step's batch are samples; the others fill it up.
    pub fn count(&mut self) -> Value {
        self.table(COUNT, 1)
    }

    fn table(&mut self, name: &str, columns: usize) -> Value {
        self.graph.source_once(Source::Table { name: name.into() }, TensorType::u32(&[columns]), "tables")
    }
}
