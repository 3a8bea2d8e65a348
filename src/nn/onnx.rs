//! How modules are written into ONNX files and read from them: what they ask of the writer and of the reader.

use super::Module;
use crate::error::Result;
use std::sync::Arc;

/// Attribute of a node of an ONNX file.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f32),
    /// Text.
    Text(String),
}

/// An ONNX file under writing, as a module sees it.
pub trait Exporter {
    /// Appends a node of the operator `op` on the named values; gives the name of its result, which ends in `name`.
    fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String;

    /// A stored tensor of the module as a constant; gives its name.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] where the network has no such tensor.
    fn stored(&mut self, suffix: &str) -> Result<String>;

    /// A constant that is none of the stored tensors; gives its name, which ends in `name`.
    fn constant(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> String;

    /// Numbers of a sample that go into the layer.
    fn inputs(&self) -> usize;

    /// Asks for this version of the operators, where the file would have an earlier one.
    fn needs_opset(&mut self, opset: i64);
}

/// A node of an ONNX file under reading. Errors say what is wrong with it; the reader adds which node it is.
pub trait Importer {
    /// The version of the operators.
    fn opset(&self) -> i64;

    /// A whole attribute, or `default`.
    ///
    /// # Errors
    /// For an attribute of another type.
    fn int(&self, name: &str, default: i64) -> std::result::Result<i64, String>;

    /// A number among the attributes.
    ///
    /// # Errors
    /// For an attribute of another type.
    fn float(&self, name: &str) -> std::result::Result<Option<f32>, String>;

    /// Axes of operand 0, samples first; 0 where the file does not say.
    ///
    /// # Errors
    /// For an operand that no node computes.
    fn rank(&self) -> std::result::Result<usize, String>;

    /// Name of an operand; `None` where it is left out.
    fn operand(&self, index: usize) -> Option<&str>;

    /// Results with a name.
    fn results(&self) -> usize;

    /// The numbers of an operand, which must be a constant.
    ///
    /// # Errors
    /// For an operand that is none.
    fn numbers(&self, operand: usize) -> std::result::Result<Vec<f64>, String>;

    /// The same for a constant with one number for each column, to become a stored tensor.
    ///
    /// # Errors
    /// For a constant of another shape.
    fn column(&mut self, operand: usize) -> std::result::Result<Vec<f32>, String>;
}

/// What a node stands for: a module with its stored tensors in their order, or nothing, where it changes nothing in use. A node that
/// is not the module's to the letter is refused.
pub type Import = fn(&mut dyn Importer) -> std::result::Result<Option<Imported>, String>;

/// A module and its stored tensors.
pub type Imported = (Arc<dyn Module>, Vec<Vec<f32>>);

/// From this opset on BatchNormalization and Dropout are in use unless they say otherwise; before, unless `is_test` is 1, they train.
const IN_USE_BY_DEFAULT: i64 = 7;

/// Whether a node of an old opset is to train.
pub(super) fn is_old_and_trains(node: &dyn Importer) -> std::result::Result<bool, String> {
    Ok((1..IN_USE_BY_DEFAULT).contains(&node.opset()) && node.int("is_test", 0)? == 0)
}
