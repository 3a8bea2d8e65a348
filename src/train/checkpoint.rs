//! Checkpoints: parameters, optimizer states and the position in the run, in one safetensors file with a checksum.
//!
//! What a run needs beside them follows from the spec: the order of an epoch's samples from seed and epoch, the learning
//! rate from the number of the step; scaler and classes lie beside the checkpoint in the run folder.

use super::plateau::PlateauState;
use crate::error::{Error, Result};
use crate::graph::Optimizer;
use crate::nn::digest::{self, Fields};
use crate::nn::weights::{self, Precision};
use crate::nn::{Network, Tensor};
use crate::spec::{Format, TrainSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs done.
    pub epoch: u32,
    /// Steps done in the epoch that has begun.
    pub step_in_epoch: usize,
    /// Optimizer steps done in all.
    pub steps: u64,
    /// Sum over the samples of those steps of the epoch of their losses, added up step by step: the epoch's mean comes out
    /// of a resumed run as it does of a whole one, to the bit.
    #[serde(default)]
    pub loss_sum: f64,
    /// The best epoch so far, where there are validation rows.
    #[serde(default)]
    pub best: Option<Best>,
    /// What early stopping has seen; `None` without it, and before the first validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// What reduce-on-plateau knows of the epochs so far.
    #[serde(default)]
    pub plateau: PlateauState,
}

/// What early stopping knows of the validations so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The best validation, where the monitored value was defined in one.
    pub kept: Option<Kept>,
    /// Validations since then, of which none was better.
    pub waited: usize,
}

/// The validation with the best monitored value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its epoch, from 1.
    pub epoch: u32,
    /// Optimizer steps done by then.
    pub steps: u64,
    /// The monitored value.
    pub value: f64,
}

impl Position {
    /// Whether a run of `train` ends here: all epochs are done, or early stopping has waited long enough.
    pub fn is_end(&self, train: &TrainSpec) -> bool {
        self.epoch as usize >= train.epochs || self.stopped_early(train)
    }

    /// Whether early stopping has waited long enough.
    pub fn stopped_early(&self, train: &TrainSpec) -> bool {
        let waited = self.watch.map_or(0, |watch| watch.waited);
        train.early_stopping.is_some_and(|early| waited >= early.patience)
    }
}

/// The epoch with the lowest validation loss, the first of equals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// From 1.
    pub epoch: u32,
    /// The loss on the validation rows.
    pub validation_loss: f64,
}

/// All that is needed to go on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// Which run it belongs to: the digest of spec and data, see [`super::record::RunRecord::run`].
    pub run: String,
    /// Where the run stands.
    pub position: Position,
    /// The parameters.
    pub parameters: Vec<Tensor>,
    /// The optimizer's states: `state.<slot>.<parameter>`.
    pub states: Vec<Tensor>,
    /// The parameters of the best validation, which early stopping keeps; else none. A run that goes on from here may yet
    /// restore them, so they belong to the checkpoint rather than to a file beside it.
    pub best: Vec<Tensor>,
}

/// Keys of the file's metadata.
const FORMAT: &str = "wgrad.format";
const POSITION: &str = "wgrad.position";
const RUN: &str = "wgrad.run";
const CHECKSUM: &str = "wgrad.sha256";
/// Says that the parameters of the best validation are there, under names with [`BEST_PREFIX`].
const BEST: &str = "wgrad.best";
const BEST_PREFIX: &str = "best.";

impl Checkpoint {
    /// The checkpoint as the bytes of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Weights`] when a value is no finite number.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>> {
        let position = serde_json::to_string(&self.position).map_err(|e| Error::Internal(e.to_string()))?;
        let mut tensors: Vec<Tensor> = self.parameters.iter().chain(&self.states).cloned().collect();
        let format = Format::CURRENT.number().to_string();
        let mut metadata = BTreeMap::from([
            (FORMAT.to_string(), format),
            (POSITION.to_string(), position),
            (RUN.to_string(), self.run.clone()),
        ]);
        if !self.best.is_empty() {
            metadata.insert(BEST.to_string(), "yes".to_string());
            let named = |t: &Tensor| Tensor { name: format!("{BEST_PREFIX}{}", t.name), ..t.clone() };
            tensors.extend(self.best.iter().map(named));
        }
        metadata.insert(CHECKSUM.to_string(), checksum(&metadata, &tensors));
        weights::encode(path, &tensors, Precision::F32, &metadata)
    }

    /// Reads the checkpoint `path` of a run of `network` with this optimizer. With `run` it must be of that run.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] for a file that is torn, damaged or another's.
    pub fn load(path: &Path, network: &Network, optimizer: Optimizer, run: Option<&str>) -> Result<Checkpoint> {
        let (kept, states) = (network.tensors(), network.states(optimizer));
        let of_optimizer = states.len();
        let mut expected = kept.clone();
        expected.extend(states);
        // What is not readable here is not below either, where it is told.
        let metadata = weights::read_metadata(path).unwrap_or_default();
        format_of(path, &metadata)?;
        if metadata.contains_key(BEST) {
            expected.extend(kept.iter().map(|(name, shape)| (format!("{BEST_PREFIX}{name}"), shape.clone())));
        }
        let (mut tensors, mut metadata) = weights::decode(path, &weights::read(path, &expected)?, &expected, false)?;
        let take = |key: &str| {
            let missing = || Error::weights(path, format!("no checkpoint of wgrad: the metadata lack {key}"));
            metadata.get(key).cloned().ok_or_else(missing)
        };
        let (written, position, of) = (take(CHECKSUM)?, take(POSITION)?, take(RUN)?);
        metadata.remove(CHECKSUM);
        let found = checksum(&metadata, &tensors);
        if found != written {
            let message =
                format!("damaged: the content has the SHA-256 {found}, the checkpoint was written with {written}");
            return Err(Error::weights(path, message));
        }
        if let Some(run) = run.filter(|run| **run != of) {
            let message = format!(
                "the checkpoint of another run, whose spec and data have the SHA-256 {of}; this run's have {run}. Bring \
                 this run's checkpoint back"
            );
            return Err(Error::weights(path, message));
        }
        let mut states = tensors.split_off(kept.len());
        let mut best = states.split_off(of_optimizer);
        for tensor in &mut best {
            tensor.name = tensor.name.trim_start_matches(BEST_PREFIX).to_string();
        }
        Ok(Checkpoint { run: of, position: position_of(path, &position)?, parameters: tensors, states, best })
    }

    /// The position that the checkpoint `path` states, from its first bytes alone: neither checked against the checksum nor
    /// whether the rest of the file is there.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`].
    pub fn peek(path: &Path) -> Result<Position> {
        let metadata = weights::read_metadata(path)?;
        format_of(path, &metadata)?;
        let text = metadata.get(POSITION);
        position_of(path, text.ok_or_else(|| Error::weights(path, "no checkpoint of wgrad"))?)
    }
}

/// Refuses a checkpoint of a format that is not known.
fn format_of(path: &Path, metadata: &BTreeMap<String, String>) -> Result<Format> {
    let stated = metadata.get(FORMAT).map(|text| text.parse::<u64>().map_err(|e| format!("{FORMAT} = {text}: {e}")));
    stated.transpose().and_then(Format::of).map_err(|message| Error::weights(path, message))
}

fn position_of(path: &Path, text: &str) -> Result<Position> {
    serde_json::from_str(text).map_err(|e| Error::weights(path, format!("no checkpoint of wgrad: {e}")))
}

/// SHA-256 over all metadata but itself and over all tensors.
fn checksum(metadata: &BTreeMap<String, String>, tensors: &[Tensor]) -> String {
    let mut fields = Fields::new();
    for (key, value) in metadata {
        fields.bytes(key.as_bytes());
        fields.bytes(value.as_bytes());
    }
    fields.bytes(digest::of_tensors(tensors).as_bytes());
    fields.finish()
}
