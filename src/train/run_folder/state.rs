//! Checkpoint and model: the state of a run on disk.

use super::RunFolder;
use crate::error::{Error, Remedy, Result};
use crate::graph::Optimizer;
use crate::nn::disk::replace_keeping;
use crate::nn::weights::{self, Precision};
use crate::nn::{Network, Tensor, digest};
use crate::train::checkpoint::{Checkpoint, Position};
use std::collections::BTreeMap;
use std::path::Path;

const MODEL: &str = "model.safetensors";
/// The parameters of the best validation, where early stopping keeps them.
const BEST: &str = "best.safetensors";
const CHECKPOINT: &str = "checkpoint.safetensors";
const PREVIOUS: &str = "checkpoint.previous.safetensors";
/// Where a checkpoint that cannot be used is put, so that the next one does not push the one before it out.
const DAMAGED: &str = "checkpoint.damaged.safetensors";

/// Keys of the model's metadata: the optimizer steps behind it, and the digest of its tensors.
const STEP: &str = "wgrad.step";
const DIGEST: &str = "wgrad.sha256";
/// Key of the metadata of parameters that are not those of the last step: the step whose they are.
const BEST_STEP: &str = "wgrad.best_step";

/// Whether a file of this name holds the state of a run.
pub(super) fn holds(name: &str) -> bool {
    [MODEL, BEST, CHECKPOINT, PREVIOUS, DAMAGED].contains(&name)
}

/// The last whole checkpoint of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// What must be said where it is not the one written last.
    pub notice: Option<String>,
}

impl RunFolder {
    /// Writes checkpoint and model and gives the digest of the parameters. The checkpoint before is kept; metrics are on
    /// the disk before a checkpoint that counts on them.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] when a value is no finite number (all files stay as they were).
    pub fn write_checkpoint(&self, checkpoint: &Checkpoint) -> Result<String> {
        let path = self.file(CHECKPOINT);
        let bytes = checkpoint.encode(&path)?;
        self.sync_metrics()?;
        replace_keeping(&*self.disk, &path, &self.file(PREVIOUS), &bytes)?;
        self.write_model(checkpoint)
    }

    /// Writes the model of a checkpoint, and the best one that it keeps, and gives the digest of the model's parameters.
    fn write_model(&self, checkpoint: &Checkpoint) -> Result<String> {
        let Position { steps, watch, .. } = checkpoint.position;
        if let Some(kept) = watch.and_then(|watch| watch.kept).filter(|_| !checkpoint.best.is_empty()) {
            self.write_weights(BEST, &checkpoint.best, steps, Some(kept.steps))?;
        }
        self.write_weights(MODEL, &checkpoint.parameters, steps, None)
    }

    /// Makes the parameters of the best validation, after `best_step` steps, the model of a run that has ended after `steps`.
    /// Gives their digest.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_best_as_model(&self, best: &[Tensor], steps: u64, best_step: u64) -> Result<String> {
        self.write_weights(MODEL, best, steps, Some(best_step))
    }

    fn write_weights(&self, name: &str, parameters: &[Tensor], steps: u64, best_step: Option<u64>) -> Result<String> {
        let digest = digest::of_tensors(parameters);
        let mut metadata = BTreeMap::from([
            ("format".to_string(), "pt".to_string()),
            (STEP.to_string(), steps.to_string()),
            (DIGEST.to_string(), digest.clone()),
        ]);
        metadata.extend(best_step.map(|step| (BEST_STEP.to_string(), step.to_string())));
        let path = self.file(name);
        let bytes = weights::encode(&path, parameters, Precision::F32, &metadata)?;
        self.replace(name, &bytes)?;
        Ok(digest)
    }

    /// The last whole checkpoint: the one written last, or the one before it where that is missing, torn, damaged or (with
    /// `run`) another run's.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Weights`] about the one written last, and about the one before it if there is one.
    pub fn checkpoint(&self, network: &Network, optimizer: Optimizer, run: Option<&str>) -> Result<Restored> {
        let load = |name: &str| Checkpoint::load(&self.file(name), network, optimizer, run);
        let last = match load(CHECKPOINT) {
            Ok(checkpoint) => return Ok(Restored { checkpoint, notice: None }),
            Err(e) => e,
        };
        let previous = self.file(PREVIOUS);
        match load(PREVIOUS) {
            Ok(checkpoint) => {
                let Position { epoch, steps, .. } = checkpoint.position;
                let notice = format!("{last}\nThe one before it, of step {steps} in epoch {}, is used", epoch + 1);
                Ok(Restored { checkpoint, notice: Some(notice) })
            }
            Err(_) if !previous.exists() => Err(last),
            Err(e) => Err(Error::weights(self.file(CHECKPOINT), format!("no checkpoint can be used. {last}\n{e}"))),
        }
    }

    /// Makes the folder agree with the checkpoint that a run goes on from (`is_previous`: the one before the last, which is
    /// put aside): what was written after it is written anew. Gives the digest of its parameters.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Weights`].
    pub fn settle(&self, checkpoint: &Checkpoint, is_previous: bool) -> Result<String> {
        let last = self.file(CHECKPOINT);
        if is_previous && last.exists() {
            self.disk.rename(&last, &self.file(DAMAGED)).map_err(|e| Error::io(&last, e))?;
        }
        // A stop between checkpoint and model leaves the model of the checkpoint before.
        self.write_model(checkpoint)
    }

    /// The position that the checkpoint written last states, or the one before it; `None` where there is none.
    pub fn position(&self) -> Option<Position> {
        let peek = |name| Checkpoint::peek(&self.file(name)).ok();
        peek(CHECKPOINT).or_else(|| peek(PREVIOUS))
    }

    /// The trained parameters: those of `model.safetensors`, or of the checkpoint where that is newer, because a stop
    /// between the two leaves a model of the checkpoint before.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`].
    pub fn parameters(&self, network: &Network, optimizer: Optimizer) -> Result<Vec<Tensor>> {
        let path = self.file(MODEL);
        let newest = self.position();
        if newest.is_some() && !path.exists() {
            return Ok(self.checkpoint(network, optimizer, None)?.checkpoint.parameters);
        }
        let expected = network.tensors();
        let (tensors, metadata) = weights::decode(&path, &weights::read(&path, &expected)?, &expected, false)?;
        refuse_damaged(&path, &tensors, &metadata)?;
        // Weights that another program put there state no step, and are what the user wants.
        let step = metadata.get(STEP).and_then(|step| step.parse::<u64>().ok());
        let newer = |steps: u64| step.is_some_and(|step| steps > step);
        if newest.is_some_and(|position| newer(position.steps)) {
            let restored = self.checkpoint(network, optimizer, None).ok();
            if let Some(found) = restored.filter(|found| newer(found.checkpoint.position.steps)) {
                return Ok(found.checkpoint.parameters);
            }
        }
        Ok(tensors)
    }
}

fn refuse_damaged(path: &Path, tensors: &[Tensor], metadata: &BTreeMap<String, String>) -> Result<()> {
    let Some(kept) = metadata.get(DIGEST) else { return Ok(()) };
    let found = digest::of_tensors(tensors);
    if found == *kept {
        return Ok(());
    }
    let message = format!(
        "damaged: the tensors have the SHA-256 {found}, they were written with {kept}; {} to write the file again from the \
         checkpoint",
        Remedy::Resume
    );
    Err(Error::weights(path, message))
}
