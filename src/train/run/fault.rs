//! A number that is not finite: which step made it, and which operation of that step.

use super::Run;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::exec::Flow;
use crate::train::checkpoint::Position;
use crate::train::replay::{Bundle, Origin, cause, replay};
use crate::train::tables::shares;

/// File of the run folder that holds the step at fault.
pub const BUNDLE: &str = "fault.safetensors";

impl Run<'_> {
    /// The error of the steps that were just trained with `losses`, if they left the finite numbers: by a loss, or by what
    /// the device found in parameters and states.
    pub(super) fn left_the_numbers(&mut self, losses: &[f64]) -> Option<Error> {
        let good = losses.iter().position(|l| !l.is_finite());
        let found = self.engine.nonfinite();
        let at = good.into_iter().chain(found.as_ref().map(|steps| steps.end - 1)).min()?;
        // Of the steps before these, both losses and parameters are known to be finite.
        let clean = good.into_iter().chain(found.map(|steps| steps.start)).min().unwrap_or(at);
        self.clean_steps = self.position.steps + clean as u64;
        Some(self.not_finite(at, losses.get(at).copied().unwrap_or(f64::NAN)))
    }

    /// The error of the step `ahead` steps after the next, whose cause is not known yet.
    pub(super) fn not_finite(&self, ahead: usize, value: f64) -> Error {
        let Position { steps, epoch, .. } = self.position;
        Error::NonFinite { step: steps as usize + ahead + 1, epoch: epoch as usize + 1, value, cause: String::new() }
    }

    /// `error` with its cause, where that can be found out: the run goes back to its checkpoint, finds the step, keeps it as
    /// a replay bundle, and replays it with every value kept.
    pub(super) async fn diagnose(&mut self, error: Error) -> Error {
        let Error::NonFinite { step, epoch, value, .. } = error else { return error };
        let with = |cause| Error::NonFinite { step, epoch, value, cause };
        match self.find_cause(&with(String::new()).to_string()).await {
            Ok(cause) => with(cause),
            // What went wrong first is what the user must hear of.
            Err(e) => with(format!("(The step could not be replayed: {e}.) ")),
        }
    }

    async fn find_cause(&mut self, found: &str) -> Result<String> {
        let clean = self.clean_steps;
        self.back_to_checkpoint().await?;
        self.retrain(clean).await?;
        // From here on a step at a time, until one leaves the numbers.
        let faulty = loop {
            let before = self.position.steps;
            if self.steps_per_run() <= before {
                return Ok("Trained again from the checkpoint, every step is finite. ".to_string());
            }
            if !self.retrain(before + 1).await? {
                break before;
            }
        };
        self.back_to_checkpoint().await?;
        self.retrain(faulty).await?;
        let bundle = self.bundle(found).await?;
        let path = self.folder.file(BUNDLE);
        bundle.save(&path)?;
        let replayed = replay(&bundle, &self.device).await?;
        Ok(cause(&bundle, &replayed, &path))
    }

    /// Trains up to step `to`, telling nobody; false as soon as the numbers are left.
    async fn retrain(&mut self, to: u64) -> Result<bool> {
        while self.position.steps < to {
            let set = &self.prepared.train;
            let order = set.order(self.job.spec.train.seed, self.position.epoch);
            let from = self.position.step_in_epoch;
            let end = self.steps_per_epoch.min(from + (to - self.position.steps) as usize);
            let mut finite = true;
            let mut sink = |losses: &[f64]| {
                finite &= losses.iter().all(|l| l.is_finite());
                if finite { Flow::Continue } else { Flow::Stop }
            };
            let done = self.engine.train_set(set, &order, from..end, self.position.steps, &mut sink).await?;
            if !finite || self.engine.nonfinite().is_some() {
                return Ok(false);
            }
            self.position.steps += done as u64;
            self.position.step_in_epoch += done;
            if self.position.step_in_epoch == self.steps_per_epoch {
                self.position.epoch += 1;
                self.position.step_in_epoch = 0;
            }
        }
        Ok(true)
    }

    pub(super) fn steps_per_run(&self) -> u64 {
        (self.steps_per_epoch * self.job.spec.train.epochs) as u64
    }

    /// The next step with all that goes into it.
    async fn bundle(&mut self, found: &str) -> Result<Bundle> {
        let set = &self.prepared.train;
        let order = set.order(self.job.spec.train.seed, self.position.epoch);
        let step = set.batch(&order, self.position.step_in_epoch * self.batch, self.batch)?;
        let mut rows: Vec<u32> = (0..step.rows as u32).collect();
        let mut weights = shares(&rows, &step.weights);
        // As in training: a batch that is not full is filled up with its first row, at weight 0.
        rows.resize(self.batch, 0);
        weights.resize(self.batch, 0.0);
        let Dataset { x, targets, .. } = step.subset(&rows).cast();
        let hyper = self.rule().hyper(self.position.steps);
        Ok(Bundle {
            spec: self.job.spec.clone(),
            network: self.prepared.network.clone(),
            origin: Origin {
                spec_name: self.job.spec_name.clone(),
                step: self.position.steps + 1,
                epoch: self.position.epoch + 1,
                device: self.device.name().to_string(),
                found: found.to_string(),
            },
            parameters: self.engine.read_parameters().await?,
            states: self.engine.read_states().await?,
            x,
            targets,
            weights,
            rows: step.rows,
            hyper: hyper.to_vec(),
        })
    }
}
