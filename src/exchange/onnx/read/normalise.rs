//! Layer norm, batch norm and dropout, as they are in use. What wgrad's layers do not compute to the letter is refused: another
//! epsilon, another axis, a node that is to train.

use super::constant::singles;
use super::{FoundLayer, Outcome, Reader, Value, doubles};
use crate::exchange::onnx::schema::{Attribute, Node};
use crate::graph::Activation;
use crate::model::layer::EPS;
use crate::model::{Layer, LayerKind};

/// From this opset on BatchNormalization and Dropout are in use unless they say otherwise; before, unless `is_test` is 1, they train.
const IN_USE_BY_DEFAULT: i64 = 7;

impl Reader {
    /// LayerNormalization over the numbers of each sample: scale and, perhaps, shift.
    pub(super) fn layer_norm(&mut self, node: &Node) -> Outcome<Value> {
        epsilon(node)?;
        let operand = self.operand(node, 0)?.clone();
        let axis = whole(node, "axis", -1)?;
        let rank = self.rank_of(&operand);
        let is_last = axis == -1 || rank > 0 && usize::try_from(axis).is_ok_and(|axis| axis + 1 == rank);
        if !is_last {
            return Err(format!("axis is {axis}; wgrad's layer_norm is over the last axis alone, which is -1"));
        }
        // In what type mean and variance are taken; 1 is single precision.
        let stash = whole(node, "stash_type", 1)?;
        if stash != 1 {
            return Err(format!("stash_type is {stash}; wgrad computes in single precision, which is 1"));
        }
        let mut values = vec![self.column(node, 1)?];
        values.push(match node.inputs.get(2) {
            Some(name) if !name.is_empty() => self.column(node, 2)?,
            _ => {
                self.spend(values[0].len())?;
                vec![0.0; values[0].len()]
            }
        });
        self.norm(&operand, LayerKind::LayerNorm, values)
    }

    /// BatchNormalization by running statistics: scale, shift, mean, variance.
    pub(super) fn batch_norm(&mut self, node: &Node) -> Outcome<Value> {
        epsilon(node)?;
        let trains = whole(node, "training_mode", 0)? != 0 || node.outputs.iter().skip(1).any(|name| !name.is_empty());
        if trains || self.is_of_old_and_trains(node)? {
            return Err("it is to train (training_mode 1, or results beside the first). Export the network after \
                        model.eval()"
                .to_owned());
        }
        if whole(node, "spatial", 1)? != 1 {
            return Err("spatial is 0; wgrad's batch_norm has one mean and variance for each column".to_owned());
        }
        let operand = self.operand(node, 0)?.clone();
        // It is over the second axis, which is that of the columns where there are two.
        let rank = self.rank_of(&operand);
        if rank != 2 {
            let found = if rank == 0 { "a shape that the file does not state".into() } else { format!("{rank} axes") };
            return Err(format!("its operand has {found}; wgrad's batch_norm takes [rows, columns]"));
        }
        let values = (1..5).map(|index| self.column(node, index)).collect::<Outcome<Vec<_>>>()?;
        if let Some(variance) = values[3].iter().find(|v| **v < 0.0) {
            return Err(format!("the running variance \"{}\" holds {variance}, below 0", node.inputs[4]));
        }
        self.norm(&operand, LayerKind::BatchNorm, values)
    }

    /// Dropout in use, which changes nothing.
    pub(super) fn dropout(&self, node: &Node) -> Outcome<Value> {
        let mode = match node.inputs.get(2) {
            Some(name) if !name.is_empty() => doubles(self.constant(node, 2)?.as_ref())?,
            _ => Vec::new(),
        };
        if mode.iter().any(|v| *v != 0.0) || self.is_of_old_and_trains(node)? {
            return Err("it is to train (training_mode true). Export the network after model.eval()".to_owned());
        }
        self.operand(node, 0).cloned()
    }

    fn is_of_old_and_trains(&self, node: &Node) -> Outcome<bool> {
        Ok((1..IN_USE_BY_DEFAULT).contains(&self.opset) && whole(node, "is_test", 0)? == 0)
    }

    /// The axes of `value`, samples first; 0 where the file does not say.
    fn rank_of(&self, value: &Value) -> usize {
        if let Value::Input { rank } = value { *rank } else { self.rank }
    }

    /// A constant with one number for each column.
    fn column(&mut self, node: &Node, index: usize) -> Outcome<Vec<f32>> {
        let array = self.constant(node, index)?;
        self.spend(array.data.len())?;
        match array.dims[..] {
            [width] if width > 0 => singles(&array),
            _ => Err(format!("\"{}\" has the shape {:?}, expected one number for each column", array.name, array.dims)),
        }
    }

    /// A new layer behind `operand`, with `values` of its width.
    fn norm(&mut self, operand: &Value, kind: LayerKind, values: Vec<Vec<f32>>) -> Outcome<Value> {
        let width = self.layers.last().map_or(values[0].len(), |last| last.layer.outputs);
        if let Some(other) = values.iter().find(|v| v.len() != width) {
            return Err(format!("it has {} numbers for {width} columns", other.len()));
        }
        let layer = Layer::same_width(width, kind, Activation::Identity);
        self.append(operand, FoundLayer { layer, values })
    }
}

/// Refuses an epsilon that is not that of wgrad's layers, which is ONNX's default too.
fn epsilon(node: &Node) -> Outcome<()> {
    let ours = EPS as f32;
    match node.attribute("epsilon") {
        None => Ok(()),
        Some(Attribute::Float(epsilon)) if *epsilon == ours => Ok(()),
        Some(Attribute::Float(epsilon)) => Err(format!(
            "epsilon is {epsilon}; wgrad's layers have {ours}. Train the network with that, or keep it where it is"
        )),
        Some(_) => Err("epsilon is no float".to_owned()),
    }
}

/// A whole attribute, or `default`; unlike [`Node::int`] it refuses one of another type.
fn whole(node: &Node, name: &str, default: i64) -> Outcome<i64> {
    match node.attribute(name) {
        None => Ok(default),
        Some(Attribute::Int(value)) => Ok(*value),
        Some(_) => Err(format!("{name} is no whole number")),
    }
}
