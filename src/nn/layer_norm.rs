//! Layer norm (Ba, Kiros and Hinton 2016).

use super::{Attribute, Exporter, Imported, Importer, Keys, Module, Scope, Stored};
use crate::error::Result;
use crate::graph::Value;
use crate::ops;
use std::sync::Arc;

/// What the normalising layers add to the variance; PyTorch's default.
pub const EPS: f64 = 1e-5;

/// y = (x - mean) / sqrt(variance + [`EPS`]) · weight + bias over the numbers of each sample; `weight`, `bias` \[width\]
#[derive(Debug, Clone)]
pub struct LayerNorm;

impl LayerNorm {
    pub(super) fn read(keys: &dyn Keys) -> Result<Arc<dyn Module>> {
        keys.named_alone("layer_norm")?;
        Ok(Arc::new(LayerNorm))
    }

    /// LayerNormalization over the numbers of each sample: scale and, perhaps, shift.
    pub(super) fn of_onnx(node: &mut dyn Importer) -> std::result::Result<Option<Imported>, String> {
        check_epsilon(node)?;
        let (axis, rank) = (node.int("axis", -1)?, node.rank()?);
        let is_last = axis == -1 || rank > 0 && usize::try_from(axis).is_ok_and(|axis| axis + 1 == rank);
        if !is_last {
            return Err(format!("axis is {axis}; wgrad's layer_norm is over the last axis alone, which is -1"));
        }
        // In what type mean and variance are taken; 1 is single precision.
        let stash = node.int("stash_type", 1)?;
        if stash != 1 {
            return Err(format!("stash_type is {stash}; wgrad computes in single precision, which is 1"));
        }
        let weight = node.column(1)?;
        let bias = if node.operand(2).is_some() { node.column(2)? } else { vec![0.0; weight.len()] };
        Ok(Some((Arc::new(LayerNorm), vec![weight, bias])))
    }
}

/// Refuses an epsilon that is not that of wgrad's layers, which is ONNX's default too.
pub(super) fn check_epsilon(node: &dyn Importer) -> std::result::Result<(), String> {
    let ours = EPS as f32;
    match node.float("epsilon")? {
        Some(epsilon) if epsilon != ours => Err(format!(
            "epsilon is {epsilon}; wgrad's layers have {ours}. Train the network with that, or keep it where it is"
        )),
        _ => Ok(()),
    }
}

/// Scale and shift of a normalising layer.
pub(super) fn scale_and_shift(width: usize) -> Vec<Stored> {
    vec![Stored::constant("weight", &[width], 1.0), Stored::constant("bias", &[width], 0.0)]
}

impl Module for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("layer_norm", "true".into())]
    }

    fn stored(&self, inputs: usize) -> Vec<Stored> {
        scale_and_shift(inputs)
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        let (weight, bias) = (scope.stored("weight")?, scope.stored("bias")?);
        scope.push(ops::LayerNorm { eps: EPS, groups: 1 }, &[x, weight, bias])
    }

    fn pytorch(&self) -> Option<&'static str> {
        Some("nn.LayerNorm")
    }

    fn onnx(&self, file: &mut dyn Exporter, x: &str) -> Result<String> {
        let (weight, bias) = (file.stored("weight")?, file.stored("bias")?);
        let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(EPS as f32))];
        Ok(file.node("LayerNormalization", "norm", &[x, &weight, &bias], &attributes))
    }
}
