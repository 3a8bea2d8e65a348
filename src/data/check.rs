//! Data sets made in memory, and the check that one fits a network.

use super::{Dataset, Targets};
use crate::error::{Error, Result};
use crate::graph::Loss;

impl Dataset {
    /// Samples with numbers as targets: `x` is rows x `inputs`, `targets` rows x `outputs`, both row-major.
    pub fn numbers(x: &[f64], inputs: usize, targets: &[f64], outputs: usize) -> Dataset {
        Dataset {
            targets: Targets::Numbers { width: outputs, values: targets.to_vec() },
            ..Self::features_only(x, inputs)
        }
    }

    /// Samples with class indices as targets: `x` is rows x `inputs`, row-major.
    pub fn classes(x: &[f64], inputs: usize, classes: &[u32]) -> Dataset {
        Dataset { targets: Targets::Classes(classes.to_vec()), ..Self::features_only(x, inputs) }
    }

    /// Samples without targets.
    pub fn features_only(x: &[f64], inputs: usize) -> Dataset {
        Dataset {
            inputs,
            rows: x.len().checked_div(inputs).unwrap_or(0),
            x: x.to_vec(),
            targets: Targets::Numbers { width: 0, values: Vec::new() },
            weights: Vec::new(),
        }
    }

    /// The same samples, each with a weight in the loss: PyTorch's mean of losses with weights, sum w l / sum w over a batch.
    #[must_use]
    pub fn weighted(self, weights: &[f64]) -> Dataset {
        Dataset { weights: weights.to_vec(), ..self }
    }

    /// Checks sizes against a network with `inputs` inputs, and targets against a loss on its outputs.
    ///
    /// # Errors
    /// [`Error::Shape`] with what was found and what the network takes.
    pub fn check(&self, inputs: usize, target: Option<(Loss, usize)>) -> Result<()> {
        let wrong = |message: String| Err(Error::Shape(message));
        if self.rows == 0 || self.inputs != inputs || self.x.len() != self.rows * inputs {
            return wrong(format!(
                "the network takes at least one row of {inputs} inputs; found {} numbers in rows of {}",
                self.x.len(),
                self.inputs
            ));
        }
        let Some((loss, outputs)) = target else { return Ok(()) };
        let weights = &self.weights;
        if !weights.is_empty() && (weights.len() != self.rows || weights.iter().any(|w| !(w.is_finite() && *w >= 0.0)))
        {
            return wrong(format!(
                "{} rows need as many weights, finite and at least 0, or none; found {}",
                self.rows,
                weights.len()
            ));
        }
        match &self.targets {
            Targets::Classes(classes) if loss.takes_class() => {
                if classes.len() != self.rows {
                    return wrong(format!("{} rows need as many classes; found {}", self.rows, classes.len()));
                }
                match classes.iter().find(|c| **c as usize >= outputs) {
                    None => Ok(()),
                    Some(c) => wrong(format!("class {c} does not exist: the network has {outputs} outputs, from 0 on")),
                }
            }
            Targets::Numbers { width, values } if !loss.takes_class() => {
                if *width == outputs && values.len() == self.rows * outputs {
                    return Ok(());
                }
                wrong(format!(
                    "{} rows need {outputs} target numbers each; found {} numbers in rows of {width}",
                    self.rows,
                    values.len()
                ))
            }
            Targets::Classes(_) => wrong(format!("{} takes numbers as targets; found classes", loss.name())),
            Targets::Numbers { .. } => wrong(format!("{} takes classes as targets; found numbers", loss.name())),
        }
    }
}
