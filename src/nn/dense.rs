//! A dense layer: y = x · wᵀ + b.

use super::{Attribute, Exporter, Init, Keys, Module, Scope, Stored};
use crate::error::Result;
use crate::graph::Value;
use crate::ops::{AddBias, MatMul};
use std::sync::Arc;

/// y = x · wᵀ + b, `weight` \[out, in\], `bias` \[out\]
#[derive(Debug, Clone)]
pub struct Dense {
    /// Outputs.
    pub outputs: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// How the weights are drawn.
    pub init: Init,
}

impl Dense {
    /// With a bias, its weights drawn by [`Init::Auto`].
    pub const fn new(outputs: usize) -> Dense {
        Dense { outputs, bias: true, init: Init::Auto }
    }

    pub(super) fn read(keys: &dyn Keys) -> Result<Arc<dyn Module>> {
        Ok(Arc::new(Dense { outputs: keys.size("dense")?, bias: keys.flag("bias", true)?, init: keys.init()? }))
    }
}

impl Module for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("dense", self.outputs.to_string()), ("bias", self.bias.to_string()), ("init", self.init.to_toml())]
    }

    fn width(&self) -> Option<usize> {
        Some(self.outputs)
    }

    fn stored(&self, inputs: usize) -> Vec<Stored> {
        let mut stored = vec![Stored::drawn("weight", &[self.outputs, inputs], self.init)];
        if self.bias {
            stored.push(Stored::constant("bias", &[self.outputs], 0.0));
        }
        stored
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        let weight = scope.stored("weight")?;
        let y = scope.push(MatMul { trans_a: false, trans_b: true }, &[x, weight])?;
        if !self.bias {
            return Ok(y);
        }
        let bias = scope.stored("bias")?;
        scope.push(AddBias, &[y, bias])
    }

    fn describe(&self, inputs: usize, activation: &str) -> String {
        let bias = if self.bias { "" } else { ", no bias" };
        format!("{inputs} -> {} {activation}{bias}", self.outputs)
    }

    fn pytorch(&self) -> Option<&'static str> {
        Some("nn.Linear")
    }

    fn onnx(&self, file: &mut dyn Exporter, x: &str) -> Result<String> {
        let weight = file.stored("weight")?;
        let bias = if self.bias { Some(file.stored("bias")?) } else { None };
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        Ok(file.node("Gemm", "dense", &inputs, &[("transB", Attribute::Int(1))]))
    }
}
