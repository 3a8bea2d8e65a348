//! Group norm (Wu and He 2018).

use super::layer_norm::{EPS, check_epsilon, scale_and_shift};
use super::module::followed_by;
use super::{Attribute, Exporter, Imported, Importer, Keys, Module, Scope, Stored};
use crate::error::Result;
use crate::graph::Value;
use crate::ops;
use std::sync::Arc;

/// From this opset on GroupNormalization has a scale and a shift for each column; before, for each group.
const OPSET: i64 = 21;

/// [`super::LayerNorm`] over each of `groups` groups of neighbouring numbers of a sample, as PyTorch's `nn.GroupNorm` on `[batch, width]`;
/// `weight`, `bias` \[width\] where it is affine
#[derive(Debug, Clone)]
pub struct GroupNorm {
    /// How many groups, which divide the width.
    pub groups: usize,
    /// Whether it has weight and bias.
    pub affine: bool,
}

impl GroupNorm {
    /// With weight and bias.
    pub const fn new(groups: usize) -> GroupNorm {
        GroupNorm { groups, affine: true }
    }

    pub(super) fn read(keys: &dyn Keys) -> Result<Arc<dyn Module>> {
        Ok(Arc::new(GroupNorm { groups: keys.size("group_norm")?, affine: keys.flag("affine", true)? }))
    }

    /// GroupNormalization of [rows, columns]: scale and shift for each column.
    pub(super) fn of_onnx(node: &mut dyn Importer) -> std::result::Result<Option<Imported>, String> {
        check_epsilon(node)?;
        if (1..OPSET).contains(&node.opset()) {
            return Err(format!(
                "before opset {OPSET} its scale and shift are those of groups; wgrad's group_norm has one for each column. \
                 Export with opset {OPSET} or newer"
            ));
        }
        let (stash, rank) = (node.int("stash_type", 1)?, node.rank()?);
        if stash != 1 {
            return Err(format!("stash_type is {stash}; wgrad computes in single precision, which is 1"));
        }
        if rank != 2 {
            let found = if rank == 0 { "a shape that the file does not state".into() } else { format!("{rank} axes") };
            return Err(format!("its operand has {found}; wgrad's group_norm takes [rows, columns]"));
        }
        let groups = usize::try_from(node.int("num_groups", 0)?).unwrap_or(0);
        let (weight, bias) = (node.column(1)?, node.column(2)?);
        let module = GroupNorm::new(groups);
        module.outputs(weight.len())?;
        Ok(Some((Arc::new(module), vec![weight, bias])))
    }
}

impl Module for GroupNorm {
    fn name(&self) -> &'static str {
        "group_norm"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("group_norm", self.groups.to_string()), ("affine", self.affine.to_string())]
    }

    fn outputs(&self, inputs: usize) -> std::result::Result<usize, String> {
        let GroupNorm { groups, .. } = self;
        if *groups > 0 && inputs.is_multiple_of(*groups) {
            return Ok(inputs);
        }
        Err(format!(
            "group_norm divides {inputs} numbers into {groups} groups of equal size. Choose a divisor of {inputs}"
        ))
    }

    fn stored(&self, inputs: usize) -> Vec<Stored> {
        if self.affine { scale_and_shift(inputs) } else { Vec::new() }
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        let mut operands = vec![x];
        if self.affine {
            operands.extend([scope.stored("weight")?, scope.stored("bias")?]);
        }
        scope.push(ops::LayerNorm { eps: EPS, groups: self.groups }, &operands)
    }

    fn describe(&self, _: usize, activation: &str) -> String {
        let plain = if self.affine { "" } else { " without weight and bias" };
        format!("group_norm {}{plain}{}", self.groups, followed_by(activation))
    }

    fn pytorch(&self) -> Option<&'static str> {
        Some("nn.GroupNorm")
    }

    /// Without weight and bias it is written with ones and zeros, which the operator asks for.
    fn onnx(&self, file: &mut dyn Exporter, x: &str) -> Result<String> {
        file.needs_opset(OPSET);
        let (weight, bias) = match self.affine {
            true => (file.stored("weight")?, file.stored("bias")?),
            false => {
                let width = file.inputs();
                let ones = file.constant("ones", &[width], vec![1.0; width]);
                (ones, file.constant("zeros", &[width], vec![0.0; width]))
            }
        };
        let attributes =
            [("epsilon", Attribute::Float(EPS as f32)), ("num_groups", Attribute::Int(self.groups as i64))];
        Ok(file.node("GroupNormalization", "norm", &[x, &weight, &bias], &attributes))
    }
}
