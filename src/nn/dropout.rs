//! Dropout (Srivastava et al. 2014), scaled in training as PyTorch's.

use super::module::followed_by;
use super::onnx::is_old_and_trains;
use super::{Exporter, Imported, Importer, Keys, Mode, Module, Scope};
use crate::error::Result;
use crate::graph::Value;
use crate::ops;
use std::sync::Arc;

/// In training y = x / (1 - p) where a random number says so and 0 elsewhere, in use y = x; no parameters.
#[derive(Debug, Clone)]
pub struct Dropout {
    /// The share of numbers that become 0, at least 0 and below 1.
    pub p: f64,
}

fn is_share(p: f64) -> bool {
    (0.0..1.0).contains(&p)
}

impl Dropout {
    pub(super) fn read(keys: &dyn Keys) -> Result<Arc<dyn Module>> {
        let p = keys.number("dropout", "a number of at least 0 and below 1, such as 0.2", is_share)?;
        Ok(Arc::new(Dropout { p }))
    }

    /// Dropout in use, which changes nothing.
    pub(super) fn of_onnx(node: &mut dyn Importer) -> std::result::Result<Option<Imported>, String> {
        let trains = node.operand(2).is_some() && node.numbers(2)?.iter().any(|mode| *mode != 0.0);
        if trains || is_old_and_trains(node)? {
            return Err("it is to train (training_mode true). Export the network after model.eval()".to_owned());
        }
        Ok(None)
    }
}

impl Module for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        // The debug form keeps a point or an exponent, as TOML wants.
        vec![("dropout", format!("{:?}", self.p))]
    }

    fn outputs(&self, inputs: usize) -> std::result::Result<usize, String> {
        let Dropout { p } = self;
        if is_share(*p) {
            return Ok(inputs);
        }
        Err(format!("dropout drops a share of at least 0 and below 1, found {p}. Choose one, such as 0.5"))
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        if scope.mode() == Mode::Evaluate || self.p == 0.0 {
            return Ok(x);
        }
        let (random, layer) = (scope.random(), scope.stream());
        scope.push_named(ops::Dropout { p: self.p, layer }, &[x, random], "dropout")
    }

    fn describe(&self, _: usize, activation: &str) -> String {
        format!("dropout {}{}", self.p, followed_by(activation))
    }

    fn only_trains(&self) -> bool {
        true
    }

    fn pytorch(&self) -> Option<&'static str> {
        Some("nn.Dropout")
    }

    fn onnx(&self, _: &mut dyn Exporter, x: &str) -> Result<String> {
        Ok(x.to_owned())
    }
}
