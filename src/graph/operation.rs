//! What an operation is: its name, its shape rule, its gradient rule and the launches that compute it.
//!
//! The operations of this crate (`src/ops`) and a user's own implement the same trait; nothing in the graph, the plan, the
//! executors or the verification knows one of them by name.

use super::TensorType;
use super::launch::Launches;
use super::tape::{Backward, Gradients};
use crate::error::Result;
use std::any::Any;
use std::fmt::Debug;

/// The choices of an operation as numbers, by name: with the name they decide whether two operations are the same.
pub type Attributes = Vec<(&'static str, f64)>;

/// Why operands do not fit an operation. The graph adds the label, the operation and the operands' types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It takes another number of operands: a fault of whoever built the graph.
    Count(String),
    /// What it needs, in words: "two matrices with equal inner sizes".
    Needs(&'static str),
}

/// An operation on tensors. [The guide](crate::guide#an-operation-of-ones-own) shows one from its kernel to a layer that uses it.
pub trait Operation: Any + Debug + Send + Sync {
    /// Its name, as the text form of a graph prints it.
    fn name(&self) -> String;

    /// What else tells it apart from another of its name.
    fn attributes(&self) -> Attributes {
        Vec::new()
    }

    /// Types of the results.
    ///
    /// # Errors
    /// What the operands should have been.
    fn results(&self, operands: &[&TensorType]) -> std::result::Result<Vec<TensorType>, Misfit>;

    /// Appends the gradients of the operands that want one, and gives them in their order; `None` where no gradient reaches an
    /// operand.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] where there is no rule.
    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        Err(at.no_rule())
    }

    /// Adds the launches that compute the results: a function of the operands' and results' types and the target alone.
    ///
    /// # Errors
    /// [`crate::Error::Limit`] for what the target cannot hold.
    fn launches(&self, out: &mut Launches<'_>) -> Result<()>;

    /// Results that lie where an operand lay: pairs of result and operand.
    fn in_place(&self) -> Vec<(usize, usize)> {
        Vec::new()
    }

    /// Whether the launches read the row of a table by themselves, at the step counter. Other operations get a copy of the row.
    fn reads_tables(&self, operand: usize) -> bool {
        let _ = operand;
        false
    }

    /// Whether neighbouring nodes of this operation may be computed together, over the arenas that hold their operands.
    fn joins(&self) -> bool {
        false
    }

    /// Where it has no derivative, or a gradient that is another by convention; `None` for an operation that is smooth. Finite
    /// differences ([`crate::verify::gradcheck`]) are not taken across such a place.
    fn kinks(&self) -> Option<Kinks> {
        None
    }
}

/// The smooth pieces that an operation consists of.
pub struct Kinks {
    /// The operands that decide on which piece an element lies.
    pub operands: Vec<usize>,
    /// From the values of these operands, the piece on which each element lies.
    pub pieces: Box<Pieces>,
}

/// From the values of some operands, the piece on which each element lies.
pub type Pieces = dyn Fn(&[Vec<f64>]) -> Vec<Piece> + Send + Sync;

/// A number for each smooth piece, any but the same for two of them; `None` where the gradient is no derivative. Exactly at a
/// kink is a piece of its own.
pub type Piece = Option<i8>;

/// Where a value comes from that no operation computes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A data set that stays on the device, `[rows, cols]` numbers or `[rows]` classes.
    Data {
        /// Name of the data set.
        name: String,
    },
    /// One row of a table for each step: batch indices, sample weights, optimizer constants.
    Table {
        /// Name of the table.
        name: String,
    },
    /// A trainable tensor. Weight decay applies where `decay` is true.
    Param {
        /// Name of the parameter.
        name: String,
        /// Whether weight decay applies.
        decay: bool,
    },
    /// An optimizer state of a parameter; `slot` 0 is the first moment or velocity.
    State {
        /// Name of the parameter.
        param: String,
        /// Which of its states.
        slot: usize,
    },
    /// A tensor that a train step changes and no gradient reaches, kept with the parameters: running statistics.
    Buffer {
        /// Name of the tensor.
        name: String,
    },
}

/// What a node is: a source, or an operation on other nodes' results.
#[derive(Debug, Clone)]
pub enum Op {
    /// It has no operands.
    Source(Source),
    /// An operation.
    Apply(std::sync::Arc<dyn Operation>),
}

impl Op {
    /// The operation, if it is a `T`.
    pub fn is<T: Operation>(&self) -> Option<&T> {
        match self {
            Op::Source(_) => None,
            Op::Apply(operation) => (operation.as_ref() as &dyn Any).downcast_ref(),
        }
    }

    /// The source, if it is one.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Op::Source(source) => Some(source),
            Op::Apply(_) => None,
        }
    }

    /// Name of the operation with its choices, as the text form prints it.
    pub fn name(&self) -> String {
        match self {
            Op::Source(Source::Data { name }) => format!("data \"{name}\""),
            Op::Source(Source::Table { name }) => format!("table \"{name}\""),
            Op::Source(Source::Param { name, .. }) => format!("param \"{name}\""),
            Op::Source(Source::State { param, slot }) => format!("state \"{param}\" {slot}"),
            Op::Source(Source::Buffer { name }) => format!("buffer \"{name}\""),
            Op::Apply(operation) => operation.name(),
        }
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Op) -> bool {
        match (self, other) {
            (Op::Source(a), Op::Source(b)) => a == b,
            (Op::Apply(a), Op::Apply(b)) => {
                a.as_ref().type_id() == b.as_ref().type_id() && a.name() == b.name() && a.attributes() == b.attributes()
            }
            _ => false,
        }
    }
}
