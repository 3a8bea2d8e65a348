//! The train step as a graph: operations on tensors in topological order, each value assigned once.
//!
//! A [`Graph`] is built forward (model and loss), then [`autodiff::differentiate`] appends the gradients and
//! [`optimizer::append_updates`] the optimizer's nodes: the whole step is one graph. [`check::verify`] runs after every
//! pass. `Display` prints a stable text form.

#[doc(hidden)]
pub mod autodiff;
#[doc(hidden)]
pub mod check;
pub mod clip;
pub mod op;
#[doc(hidden)]
pub mod optimizer;
mod print;
#[doc(hidden)]
pub mod rule;
pub mod schedule;
mod shape;
#[doc(hidden)]
pub mod stabilise;

pub use clip::Clip;
pub use crate::kernels::Loss;
pub use op::{Activation, Adagrad, Adam, Optimizer, RmsProp};
pub use rule::UpdateRule;
pub use schedule::{OneCycle, Plateau, Schedule, Shape};

use crate::error::{Error, Result};

/// Element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// A number.
    F32,
    /// An index or a class.
    U32,
}

/// Shape and element type of a value. Shapes have one or two dimensions, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
}

impl TensorType {
    /// Numbers of the given shape.
    pub fn f32(shape: &[usize]) -> Self {
        TensorType { shape: shape.to_vec(), dtype: Dtype::F32 }
    }

    /// Indices of the given shape.
    pub fn u32(shape: &[usize]) -> Self {
        TensorType { shape: shape.to_vec(), dtype: Dtype::U32 }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True for a shape with a zero in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

/// An operation. Sources have no inputs; every other op has one shape rule, one gradient rule and one lowering.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Source: a data set that stays on the device, `[rows, cols]` numbers or `[rows]` classes.
    Data {
        /// Name of the data set.
        name: String,
    },
    /// Source: one row of a table for each step: batch indices, sample weights, optimizer constants.
    Table {
        /// Name of the table.
        name: String,
    },
    /// Source: a trainable tensor. Weight decay applies where `decay` is true.
    Param {
        /// Name of the parameter.
        name: String,
        /// Whether weight decay applies.
        decay: bool,
    },
    /// Source: an optimizer state of a parameter, of the same shape; `slot` 0 is the first moment or velocity.
    State {
        /// Name of the parameter.
        param: String,
        /// Which of its states.
        slot: usize,
    },
    /// Source: a tensor that a train step changes and no gradient reaches, kept with the parameters: running statistics.
    Buffer {
        /// Name of the tensor.
        name: String,
    },
    /// `(data [n, cols], index [rows]) -> [rows, cols]`: y\[i\] = data\[index\[i\]\]
    Gather,
    /// `(a, b) -> op(a) · op(b)`; true transposes.
    MatMul {
        /// Whether a is transposed.
        trans_a: bool,
        /// Whether b is transposed.
        trans_b: bool,
    },
    /// `(x [m, n], b [n]) -> [m, n]`
    AddBias,
    /// `(x, random [4]) -> x / (1 - p)` where the element is kept, 0 elsewhere. Also its own gradient, on dy.
    Dropout {
        /// The share of elements that are dropped.
        p: f64,
        /// Tells the masks of several layers apart.
        layer: u32,
    },
    /// `(x [m, n], weight [n], bias [n]) -> [m, n]`: each row less its mean, over its standard deviation, times weight, plus bias.
    LayerNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// `(dy, x, weight) -> (dx, dy * xhat)`; the second result's column sums are the gradient of weight.
    LayerNormGrad {
        /// As the layer's.
        eps: f64,
    },
    /// `(x [m, n], count [1], running_mean [n], running_var [n]) -> (mean [n], variance [n], count [1])`: of each column over the
    /// first count rows; moves the running statistics in place.
    BatchMoments {
        /// Weight of this batch in the running statistics.
        momentum: f64,
    },
    /// `(x [m, n], mean [n], variance [n], weight [n], bias [n]) -> [m, n]`: as LayerNorm over columns, by given moments.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// `(dy, x, mean, variance, weight) -> (dx, dy * xhat)` where the moments are constants; with the count of
    /// [`Op::BatchMoments`] as sixth operand, where they are x's.
    BatchNormGrad {
        /// As the layer's.
        eps: f64,
    },
    /// `(a, b) -> a + b`, equal shapes.
    Add,
    /// `(a [n], b [m]) -> [n + m]`: one behind the other.
    Concat,
    /// `x -> activation(x)`
    Activate(Activation),
    /// `(dy, x) -> dx`; softmax takes its output in the place of x.
    ActivateGrad(Activation),
    /// `x [m, n] -> [n]`
    ColumnSum,
    /// `(pred [rows, cols], target) -> [rows]`: the loss of each sample.
    Loss(Loss),
    /// `(pred, target, upstream [rows]) -> [rows, cols]`
    LossGrad(Loss),
    /// `(x [n], weight [n]) -> [1]`: sum of weight * x. With weights 1 / batch this is the batch's mean.
    WeightedSum,
    /// `x -> [1]`: the sum of the squares of all elements.
    SquareSum,
    /// `(grad, total [1]) -> grad * min(1, max / (sqrt(total) + 1e-6))`
    ClipNorm {
        /// The greatest norm.
        max: f64,
    },
    /// `grad -> min(max(grad, -limit), limit)`
    ClipValue {
        /// The greatest magnitude.
        limit: f64,
    },
    /// `(param, grad, hyper, states...) -> (param, states...)`
    Update(Optimizer),
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
}

/// Operations in topological order, with named outputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The nodes; operands come before their users.
    pub nodes: Vec<Node>,
    /// Values that must be computed, by name.
    pub outputs: Vec<(String, Value)>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Adds a source of the given type.
    pub fn source(&mut self, op: Op, ty: TensorType, label: &str) -> Value {
        self.nodes.push(Node { op, inputs: Vec::new(), results: vec![ty], label: label.to_string() });
        Value { node: self.nodes.len() - 1, result: 0 }
    }

    /// The source with this operation: the one that is there, or a new one of the given type.
    pub fn source_once(&mut self, op: Op, ty: TensorType, label: &str) -> Value {
        match self.nodes.iter().position(|n| n.op == op) {
            Some(node) => Value { node, result: 0 },
            None => self.source(op, ty, label),
        }
    }

    /// Adds an operation and infers its type; the result is its first value.
    ///
    /// # Errors
    /// [`Error::Shape`] names `label` and both shapes.
    pub fn push(&mut self, op: Op, inputs: &[Value], label: &str) -> Result<Value> {
        let types: Vec<&TensorType> = inputs.iter().map(|v| self.ty(*v)).collect();
        let results = shape::infer(&op, &types, label)?;
        self.nodes.push(Node { op, inputs: inputs.to_vec(), results, label: label.to_string() });
        Ok(Value { node: self.nodes.len() - 1, result: 0 })
    }

    /// Type of a value.
    pub fn ty(&self, value: Value) -> &TensorType {
        &self.nodes[value.node].results[value.result]
    }

    /// Names a value as an output.
    pub fn output(&mut self, name: &str, value: Value) {
        self.outputs.push((name.to_string(), value));
    }

    /// The output called `name`.
    pub fn find_output(&self, name: &str) -> Option<Value> {
        self.outputs.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// Every parameter: name, value, in order of appearance.
    pub fn params(&self) -> Vec<(String, Value)> {
        let params = self.nodes.iter().enumerate().filter_map(|(node, n)| match &n.op {
            Op::Param { name, .. } => Some((name.clone(), Value { node, result: 0 })),
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

pub(crate) fn internal(message: impl Into<String>) -> Error {
    Error::Internal(message.into())
}
