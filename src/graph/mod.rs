//! The train step as a graph: operations on tensors in topological order, each value assigned once.
//!
//! A [`Graph`] is built forward (model and loss), then gradients ([`tape::gradients`]) and the optimizer's nodes are appended:
//! the whole step is one graph. [`check::verify`] runs after every pass. `Display` prints a stable text form. What an
//! [`Operation`] is, the graph does not know: the trait says it.

pub mod check;
pub mod launch;
pub mod operation;
mod print;
mod role;
pub mod tape;

pub use crate::kernels::{Activation, Dtype, Loss};
pub use crate::optim::{Adagrad, Adam, Clip, OneCycle, Optimizer, Plateau, Policy, RmsProp, Schedule, UpdateRule};
pub use launch::{Bind, Launch, Launches, Operand, Place};
pub use operation::{Attributes, Kinks, Misfit, Op, Operation, Piece, Source};
pub use role::Role;
pub use tape::{Backward, Gradients};

use crate::error::{Error, Result};
use std::sync::Arc;

/// Shape and element type of a value. Shapes have one or two dimensions, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
    /// One row of a table for each step, or of the log.
    pub stepped: bool,
}

impl TensorType {
    /// Numbers of the given shape.
    pub fn f32(shape: &[usize]) -> Self {
        TensorType { shape: shape.to_vec(), dtype: Dtype::F32, stepped: false }
    }

    /// Indices of the given shape.
    pub fn u32(shape: &[usize]) -> Self {
        TensorType { shape: shape.to_vec(), dtype: Dtype::U32, stepped: false }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True for a shape with a zero in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same shape and element type at every step, or a row of a table for each.
    #[must_use]
    pub fn stepped(self, stepped: bool) -> TensorType {
        TensorType { stepped, ..self }
    }

    /// Whether both have one shape and element type, whether or not they are rows of tables.
    pub fn is_like(&self, other: &TensorType) -> bool {
        self.shape == other.shape && self.dtype == other.dtype
    }

    /// Rows and columns; a vector counts as one column.
    pub fn rows_cols(&self) -> (usize, usize) {
        match self.shape[..] {
            [rows, cols] => (rows, cols),
            [rows] => (rows, 1),
            _ => (self.len(), 1),
        }
    }
}

/// Name of the table from which layers draw random numbers: a row a step.
pub const RANDOM: &str = "random";
/// Name of the table that says how many rows of a step's batch are samples; the others fill it up.
pub const COUNT: &str = "count";
/// Columns of the table `random`: the upper two words of the counters, then the key.
pub const RANDOM_COLUMNS: usize = 4;

/// One of the results of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// Index of the node.
    pub node: usize,
    /// Which of its results.
    pub result: usize,
}

/// An operation applied to values.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// Its operands, all from earlier nodes.
    pub inputs: Vec<Value>,
    /// Types of its results.
    pub results: Vec<TensorType>,
    /// Where it comes from, for people: `layers.0`, `loss`, `layers.0.weight.grad`.
    pub label: String,
    /// Labels of results that come from elsewhere: those of the nodes that a rewrite put this one in the place of.
    pub labels: Vec<(usize, String)>,
}

impl Node {
    fn new(op: Op, inputs: &[Value], results: Vec<TensorType>, label: &str) -> Node {
        Node { op, inputs: inputs.to_vec(), results, label: label.to_string(), labels: Vec::new() }
    }

    /// Where a result comes from, for people.
    pub fn label_of(&self, result: usize) -> &str {
        self.labels.iter().find(|(of, _)| *of == result).map_or(&self.label, |(_, label)| label)
    }
}

/// Nodes in topological order, with named outputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The nodes; operands come before their users.
    pub nodes: Vec<Node>,
    /// Values that must be computed, by their roles.
    pub outputs: Vec<(Role, Value)>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Adds a source of the given type; a table's is that of a row.
    pub fn source(&mut self, source: Source, ty: TensorType, label: &str) -> Value {
        let ty = ty.stepped(matches!(source, Source::Table { .. }));
        self.nodes.push(Node::new(Op::Source(source), &[], vec![ty], label));
        Value { node: self.nodes.len() - 1, result: 0 }
    }

    /// This source: the one that is there, or a new one of the given type.
    pub fn source_once(&mut self, source: Source, ty: TensorType, label: &str) -> Value {
        match self.nodes.iter().position(|n| n.op.source() == Some(&source)) {
            Some(node) => Value { node, result: 0 },
            None => self.source(source, ty, label),
        }
    }

    /// Adds an operation and infers its type; the result is its first value.
    ///
    /// # Errors
    /// [`Error::Shape`] names `label` and both shapes.
    pub fn push(&mut self, operation: impl Operation, inputs: &[Value], label: &str) -> Result<Value> {
        self.apply(Arc::new(operation), inputs, label)
    }

    /// Adds an operation that others may share.
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn apply(&mut self, operation: Arc<dyn Operation>, inputs: &[Value], label: &str) -> Result<Value> {
        let results = self.infer(operation.as_ref(), inputs, label)?;
        self.nodes.push(Node::new(Op::Apply(operation), inputs, results, label));
        Ok(Value { node: self.nodes.len() - 1, result: 0 })
    }

    /// Puts another operation in the place of a node, whose operands must come before it.
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn replace(&mut self, node: usize, operation: impl Operation, inputs: &[Value], label: &str) -> Result<()> {
        let results = self.infer(&operation, inputs, label)?;
        let before =
            std::mem::replace(&mut self.nodes[node], Node::new(Op::Apply(Arc::new(operation)), inputs, results, label));
        // Its results keep their labels.
        let first = before.label_of(0).to_string();
        self.nodes[node].labels = before.labels.into_iter().filter(|(of, _)| *of > 0).chain([(0, first)]).collect();
        Ok(())
    }

    /// Lets every user of a value, outputs included, take another one, which gets its label.
    pub fn substitute(&mut self, value: Value, by: Value) {
        let label = self.nodes[value.node].label_of(value.result).to_string();
        let node = &mut self.nodes[by.node];
        node.labels.retain(|(result, _)| *result != by.result);
        node.labels.push((by.result, label));
        let users = self.nodes.iter_mut().flat_map(|n| &mut n.inputs);
        users.chain(self.outputs.iter_mut().map(|(_, v)| v)).filter(|v| **v == value).for_each(|v| *v = by);
    }

    /// Types of the results of an operation on values.
    pub(crate) fn infer(&self, operation: &dyn Operation, inputs: &[Value], label: &str) -> Result<Vec<TensorType>> {
        let types: Vec<&TensorType> = inputs.iter().map(|v| self.ty(*v)).collect();
        operation.results(&types).map_err(|misfit| match misfit {
            Misfit::Count(takes) => {
                internal(format!("{label}: {} takes {takes} operands, not {}", operation.name(), types.len()))
            }
            Misfit::Needs(needed) => {
                let found: Vec<String> = types.iter().map(|t| t.to_string()).collect();
                Error::Shape(format!(
                    "{label}: {} needs {needed}; its operands are {}. Change the sizes of the layers so that they fit",
                    operation.name(),
                    found.join(" and ")
                ))
            }
        })
    }

    /// Type of a value.
    pub fn ty(&self, value: Value) -> &TensorType {
        &self.nodes[value.node].results[value.result]
    }

    /// Makes a value an output.
    pub fn output(&mut self, role: impl Into<Role>, value: Value) {
        self.outputs.push((role.into(), value));
    }

    /// The output of this role.
    pub fn find_output(&self, role: impl Into<Role>) -> Option<Value> {
        let role = role.into();
        self.outputs.iter().find(|(of, _)| *of == role).map(|(_, v)| *v)
    }

    /// Every parameter: name, value, in order of appearance.
    pub fn params(&self) -> Vec<(String, Value)> {
        let params = self.nodes.iter().enumerate().filter_map(|(node, n)| match &n.op {
            Op::Source(Source::Param { name, .. }) => Some((name.clone(), Value { node, result: 0 })),
            _ => None,
        });
        params.collect()
    }

    /// Which nodes the outputs need.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        for (_, value) in &self.outputs {
            live[value.node] = true;
        }
        for node in (0..self.nodes.len()).rev() {
            if live[node] {
                for input in &self.nodes[node].inputs {
                    live[input.node] = true;
                }
            }
        }
        live
    }
}

/// The error of a fault of wgrad.
pub(crate) fn internal(message: impl Into<String>) -> Error {
    Error::Internal(message.into())
}
