//! ONNX: the messages of its schema that a multilayer perceptron needs, and what is written into them and read out of them.
//!
//! Written is opset 20 in IR version 9 (ONNX 1.15, the first with `Gelu` as an operator), or what a module asks for. Read are the operators that exporters
//! make of dense layers, layer norm, batch norm and their activations, of any opset.

pub(crate) mod array;
pub mod export;
pub(crate) mod function;
mod nodes;
pub mod read;
pub(crate) mod schema;

pub use export::{Export, encode};
pub(crate) use function::decimal;
pub use read::{Found, FoundLayer, read};

/// The version of the operators that are written, where no module needs a later one.
pub const OPSET: i64 = 20;

/// Keys of the metadata of files that wgrad writes: columns and classes, the scaling that is in the graph, and the loss, each
/// as a run folder holds it.
pub(crate) const SCHEMA: &str = "wgrad.schema";
pub(crate) const SCALER: &str = "wgrad.scaler";
pub(crate) const LOSS: &str = "wgrad.loss";
