//! Checkpoints: parameters, optimizer states and the position in the run, in one safetensors file.

use crate::error::{Error, Result};
use crate::model::weights::{self, Precision};
use crate::model::{Network, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs done.
    pub epoch: u32,
    /// Steps done in the epoch that has begun.
    pub step_in_epoch: usize,
    /// Optimizer steps done in all.
    pub steps: u64,
}

/// All that is needed to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the run stands.
    pub position: Position,
    /// The parameters.
    pub parameters: Vec<Tensor>,
    /// The optimizer's states: `state.<slot>.<parameter>`.
    pub states: Vec<Tensor>,
}

/// Key of the position in the file's metadata.
const KEY: &str = "wgrad.position";

impl Checkpoint {
    /// Writes the checkpoint; the file at `path` is replaced as a whole.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] when a value is no finite number.
    pub fn save(&self, path: &Path) -> Result<()> {
        let position = serde_json::to_string(&self.position).map_err(|e| Error::Internal(e.to_string()))?;
        let tensors: Vec<Tensor> = self.parameters.iter().chain(&self.states).cloned().collect();
        weights::save(path, &tensors, Precision::F32, &BTreeMap::from([(KEY.to_string(), position)]))
    }

    /// Reads a checkpoint of a run of `network` with an optimizer of `state_slots` states.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] for a damaged file or one of another network.
    pub fn load(path: &Path, network: &Network, state_slots: usize) -> Result<Checkpoint> {
        let parameters = network.parameters();
        let mut expected = parameters.clone();
        for slot in 0..state_slots {
            expected.extend(parameters.iter().map(|(name, shape)| (format!("state.{slot}.{name}"), shape.clone())));
        }
        let mut tensors = weights::load(path, &expected, false)?;
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let broken = |what: String| Error::weights(path, format!("no checkpoint of wgrad: {what}"));
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(e.to_string()))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let text = text.ok_or_else(|| broken(format!("the metadata lack {KEY}")))?;
        let position = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
        let states = tensors.split_off(parameters.len());
        Ok(Checkpoint { position, parameters: tensors, states })
    }
}
