//! Batch norm (Ioffe and Szegedy 2015).

use super::layer_norm::{EPS, check_epsilon, scale_and_shift};
use super::onnx::is_old_and_trains;
use super::{Attribute, Exporter, Imported, Importer, Keys, Mode, Module, Scope, Stored};
use crate::error::Result;
use crate::graph::Value;
use crate::ops::{self, BatchMoments};
use std::sync::Arc;

/// The weight of a batch in the running statistics; PyTorch's default.
pub const MOMENTUM: f64 = 0.1;

/// [`super::LayerNorm`] over the samples of the batch in training, by running statistics in use; `weight`, `bias` and, not
/// trained, `running_mean`, `running_var` \[width\]
#[derive(Debug, Clone)]
pub struct BatchNorm;

impl BatchNorm {
    pub(super) fn read(keys: &dyn Keys) -> Result<Arc<dyn Module>> {
        keys.named_alone("batch_norm")?;
        Ok(Arc::new(BatchNorm))
    }

    /// BatchNormalization by running statistics: scale, shift, mean, variance.
    pub(super) fn of_onnx(node: &mut dyn Importer) -> std::result::Result<Option<Imported>, String> {
        check_epsilon(node)?;
        if node.int("training_mode", 0)? != 0 || node.results() > 1 || is_old_and_trains(node)? {
            return Err("it is to train (training_mode 1, or results beside the first). Export the network after \
                        model.eval()"
                .to_owned());
        }
        if node.int("spatial", 1)? != 1 {
            return Err("spatial is 0; wgrad's batch_norm has one mean and variance for each column".to_owned());
        }
        // It is over the second axis, which is that of the columns where there are two.
        let rank = node.rank()?;
        if rank != 2 {
            let found = if rank == 0 { "a shape that the file does not state".into() } else { format!("{rank} axes") };
            return Err(format!("its operand has {found}; wgrad's batch_norm takes [rows, columns]"));
        }
        let values = (1..5).map(|index| node.column(index)).collect::<std::result::Result<Vec<_>, _>>()?;
        if let Some(variance) = values[3].iter().find(|v| **v < 0.0) {
            let name = node.operand(4).unwrap_or_default();
            return Err(format!("the running variance \"{name}\" holds {variance}, below 0"));
        }
        Ok(Some((Arc::new(BatchNorm), values)))
    }
}

impl Module for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        vec![("batch_norm", "true".into())]
    }

    fn stored(&self, inputs: usize) -> Vec<Stored> {
        let mut stored = scale_and_shift(inputs);
        stored.extend([("running_mean", 0.0), ("running_var", 1.0)].map(|(s, v)| Stored::buffer(s, &[inputs], v)));
        stored
    }

    fn forward(&self, scope: &mut Scope<'_>, x: Value) -> Result<Value> {
        let (weight, bias) = (scope.stored("weight")?, scope.stored("bias")?);
        let (mut mean, mut variance) = (scope.stored("running_mean")?, scope.stored("running_var")?);
        let mut counted = None;
        if scope.mode() == Mode::Train {
            let count = scope.count();
            let moments = BatchMoments { momentum: MOMENTUM };
            mean = scope.push_named(moments, &[x, count, mean, variance], "moments")?;
            (variance, counted) = (Value { result: 1, ..mean }, Some(Value { result: 2, ..mean }));
        }
        let operands: Vec<Value> = [x, mean, variance, weight, bias].into_iter().chain(counted).collect();
        scope.push(ops::BatchNorm { eps: EPS }, &operands)
    }

    fn takes_statistics(&self) -> bool {
        true
    }

    fn pytorch(&self) -> Option<&'static str> {
        Some("nn.BatchNorm1d")
    }

    fn onnx(&self, file: &mut dyn Exporter, x: &str) -> Result<String> {
        let names = ["weight", "bias", "running_mean", "running_var"].map(|suffix| file.stored(suffix));
        let names = names.into_iter().collect::<Result<Vec<String>>>()?;
        let inputs: Vec<&str> = std::iter::once(x).chain(names.iter().map(String::as_str)).collect();
        Ok(file.node("BatchNormalization", "norm", &inputs, &[("epsilon", Attribute::Float(EPS as f32))]))
    }
}
