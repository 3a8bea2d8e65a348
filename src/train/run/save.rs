//! What a run saves: checkpoints on its way; at its end the parameters that are its model, and the report with what it shows
//! of them.

use super::{Observer, Run};
use crate::error::{Error, Result};
use crate::report::{EpochRecord, KernelTime, Outcome, RunReport, Stopping};
use crate::train::checkpoint::Checkpoint;
use crate::train::portrait::{Subject, image_of, portray};
use std::time::{Duration, Instant};

/// Steps whose dispatches are timed.
const TIMED_STEPS: usize = 5;
/// They are timed where they are expected to take less than this together, in seconds.
const MOST_SECONDS: f64 = 1.0;

impl Run<'_> {
    /// Whether the spec wants a checkpoint of where the run stands now.
    fn checkpoint_is_due(&self) -> bool {
        let every = self.job.spec.train.checkpoint;
        let by_steps = every.steps > 0 && self.position.steps.is_multiple_of(every.steps as u64);
        self.position != self.saved.1 && (by_steps || self.saved.0.elapsed() >= self.checkpoint_age())
    }

    /// The age that the spec allows the last checkpoint.
    pub(super) fn checkpoint_age(&self) -> Duration {
        let minutes = self.job.spec.train.checkpoint.minutes;
        let age = Duration::try_from_secs_f64(60.0 * minutes).unwrap_or(Duration::MAX);
        if minutes == 0.0 { Duration::MAX } else { age }
    }

    /// Saves where the run stands if the spec or the observer wants it, or a lost device is left behind.
    pub(super) async fn checkpoint_if_due(&mut self, observer: &mut dyn Observer) -> Result<()> {
        // What trains again from a checkpoint evaluates nothing: behind each one a single rate holds.
        let rate_reduced = self.position.plateau.lr != self.saved.1.plateau.lr;
        if !(self.checkpoint_is_due() || rate_reduced || self.past_a_loss() || observer.checkpoint_requested()) {
            return Ok(());
        }
        self.checkpoint().await?;
        observer.checkpoint_written(self.saved.1.steps);
        Ok(())
    }

    /// Saves where the run stands, unless that is saved, and counts the time.
    pub(super) async fn checkpoint(&mut self) -> Result<()> {
        if self.position == self.saved.1 {
            return Ok(());
        }
        let begin = Instant::now();
        let result = self.save().await;
        self.report.times.save += begin.elapsed().as_secs_f64();
        result
    }

    async fn save(&mut self) -> Result<()> {
        let parameters = self.engine.read_parameters().await?;
        let states = self.engine.read_states().await?;
        let finite = |t: &[crate::nn::Tensor]| t.iter().all(|t| t.values.iter().all(|v| v.is_finite()));
        if !finite(&parameters) || !finite(&states) {
            // Every submit is guarded against it: this is the last line of defence, for what is on disk.
            return Err(self.not_finite(0, f64::NAN));
        }
        let best = self.best.clone();
        let checkpoint = Checkpoint { run: self.id.clone(), position: self.position, parameters, states, best };
        self.report.digest = self.folder.write_checkpoint(&checkpoint)?;
        self.saved = (Instant::now(), self.position);
        Ok(())
    }

    /// Notes what training took: what comes after is not training.
    pub(super) fn close_books(&mut self) {
        self.report.times.wall = self.began.elapsed().as_secs_f64();
        self.report.counters = self.earlier;
        self.report.counters += self.engine.counters();
    }

    /// Closes a run whose checkpoint is written: with early stopping the model becomes that of the best validation.
    ///
    /// # Errors
    /// [`Error::Io`] when the model cannot be written. What only the report would show is left out with a notice.
    pub(super) async fn conclude(&mut self, outcome: Outcome, observer: &mut dyn Observer) -> Result<Outcome> {
        let restored = self.choose_model(&outcome)?;
        if let Err(e) = self.depict(&outcome, restored).await {
            observer.notice(&format!("the report is not complete: {e}"));
        }
        Ok(outcome)
    }

    /// Puts the best parameters in the model's place where that is asked for; true where it was done.
    fn choose_model(&mut self, outcome: &Outcome) -> Result<bool> {
        let train = &self.job.spec.train;
        let Some(early) = train.early_stopping else { return Ok(false) };
        let kept = self.position.watch.and_then(|watch| watch.kept);
        let restored = early.restore_best && *outcome == Outcome::Finished && kept.is_some();
        if let Some(kept) = kept.filter(|_| restored) {
            self.report.digest = self.folder.write_best_as_model(&self.best, self.position.steps, kept.steps)?;
        }
        self.report.stopping = Some(Stopping {
            monitor: early.monitor,
            patience: early.patience,
            stopped: self.position.stopped_early(train),
            best_epoch: kept.map(|kept| kept.epoch as usize),
            best_value: kept.map(|kept| kept.value),
            restored,
        });
        Ok(restored)
    }

    /// Measures and depicts the model for the report.
    async fn depict(&mut self, outcome: &Outcome, restored: bool) -> Result<()> {
        if restored {
            // Matrix and classes are to be those of the model that is handed over.
            self.engine.write_parameters(&self.best)?;
            self.validate(&mut EpochRecord::default()).await?;
        }
        let parameters = if restored { std::mem::take(&mut self.best) } else { self.engine.read_parameters().await? };
        let (validation, train) = (&self.prepared.validation, &self.prepared.train);
        let subject = Subject {
            network: &self.prepared.network,
            parameters: &parameters,
            preprocessing: &self.prepared.preprocessing,
            samples: validation.as_ref().unwrap_or(train),
            validation: validation.is_some(),
            image: image_of(&self.job.spec, &self.prepared.preprocessing.schema),
        };
        self.report.portrait = portray(&subject).await?;
        if *outcome == Outcome::Finished {
            self.time_kernels().await?;
        }
        Ok(())
    }

    /// Times the dispatches of a step, on the CPU, where that is quick. What the engine holds is of no use afterwards.
    async fn time_kernels(&mut self) -> Result<()> {
        let seconds_a_step = self.pace.seconds * self.batch as f64 / self.pace.samples.max(1.0);
        let quick = seconds_a_step * (TIMED_STEPS as f64) < MOST_SECONDS;
        if self.pace.samples == 0.0 || !quick || self.device.kind() != "cpu" {
            return Ok(());
        }
        let times = self.engine.profile(TIMED_STEPS).await?.dispatches_us;
        let dispatches = &self.engine.training_plan()?.dispatches;
        let named = dispatches.iter().zip(times).map(|(dispatch, mut times)| {
            times.sort_by(f64::total_cmp);
            let time_us = times.get(times.len() / 2).copied().unwrap_or_default();
            KernelTime { kernel: dispatch.kernel.name.into(), label: dispatch.label.clone(), time_us }
        });
        self.report.kernels = named.collect();
        Ok(())
    }

    /// Saves what the outcome allows, writes the report, and hands the outcome on.
    pub(super) fn finish(mut self, result: Result<Outcome>) -> Result<RunReport> {
        let kept = self.saved.1;
        self.report.outcome = match &result {
            Ok(outcome) => outcome.clone(),
            Err(e @ Error::NonFinite { .. }) => Outcome::Failed(format!(
                "{e}. The folder keeps the checkpoint of step {} (epoch {})",
                kept.steps, kept.epoch
            )),
            Err(_) => return result.map(|_| self.report),
        };
        self.folder.write_report(&self.report)?;
        result.map(|_| self.report)
    }
}
