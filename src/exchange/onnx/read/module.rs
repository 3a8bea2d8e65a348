//! Nodes that stand for a module: the modules read them themselves.

use super::constant::singles;
use super::{FoundLayer, Outcome, Reader, Value, doubles};
use crate::exchange::onnx::schema::{Attribute, Node};
use crate::graph::Activation;
use crate::nn::{Import, Importer, Layer, MODULES};

/// How a module reads a node of the operator `op`.
pub(super) fn import_of(op: &str) -> Option<Import> {
    MODULES.iter().flat_map(|entry| entry.onnx).find(|(name, _)| *name == op).map(|(_, import)| *import)
}

/// A node as a module sees it.
struct OfNode<'a> {
    reader: &'a mut Reader,
    node: &'a Node,
}

impl Reader {
    /// A new layer behind operand 0, with stored tensors of its width; or the operand, where the node changes nothing.
    pub(super) fn module(&mut self, node: &Node, import: Import) -> Outcome<Value> {
        let found = import(&mut OfNode { reader: self, node })?;
        let operand = self.operand(node, 0)?.clone();
        let Some((module, values)) = found else { return Ok(operand) };
        let first = values.first().map_or(0, Vec::len);
        let width = self.layers.last().map_or(first, |last| last.layer.outputs);
        if let Some(other) = values.iter().find(|v| v.len() != width) {
            return Err(format!("it has {} numbers for {width} columns", other.len()));
        }
        let layer = Layer { inputs: width, outputs: width, activation: Activation::Identity, module };
        self.append(&operand, FoundLayer { layer, values })
    }
}

impl Importer for OfNode<'_> {
    fn opset(&self) -> i64 {
        self.reader.opset
    }

    /// Unlike [`Node::int`] it refuses an attribute of another type.
    fn int(&self, name: &str, default: i64) -> Outcome<i64> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(Attribute::Int(value)) => Ok(*value),
            Some(_) => Err(format!("{name} is no whole number")),
        }
    }

    fn float(&self, name: &str) -> Outcome<Option<f32>> {
        match self.node.attribute(name) {
            None => Ok(None),
            Some(Attribute::Float(value)) => Ok(Some(*value)),
            Some(_) => Err(format!("{name} is no float")),
        }
    }

    fn rank(&self) -> Outcome<usize> {
        let operand = self.reader.operand(self.node, 0)?;
        Ok(if let Value::Input { rank } = operand { *rank } else { self.reader.rank })
    }

    fn operand(&self, index: usize) -> Option<&str> {
        self.node.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn results(&self) -> usize {
        self.node.outputs.iter().filter(|name| !name.is_empty()).count()
    }

    fn numbers(&self, operand: usize) -> Outcome<Vec<f64>> {
        doubles(self.reader.constant(self.node, operand)?.as_ref())
    }

    fn column(&mut self, operand: usize) -> Outcome<Vec<f32>> {
        let array = self.reader.constant(self.node, operand)?;
        self.reader.spend(array.data.len())?;
        match array.dims[..] {
            [width] if width > 0 => singles(&array),
            _ => Err(format!("\"{}\" has the shape {:?}, expected one number for each column", array.name, array.dims)),
        }
    }
}
