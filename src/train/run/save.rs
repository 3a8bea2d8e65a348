//! What a run saves: checkpoints on its way, and the report at its end.

use super::{Observer, Run};
use crate::error::{Error, Result};
use crate::report::{Outcome, RunReport};
use crate::train::checkpoint::Checkpoint;
use std::time::{Duration, Instant};

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
        let finite = |t: &[crate::model::Tensor]| t.iter().all(|t| t.values.iter().all(|v| v.is_finite()));
        if !finite(&parameters) || !finite(&states) {
            // Every submit is guarded against it: this is the last line of defence, for what is on disk.
            return Err(Error::NonFinite {
                step: self.position.steps as usize + 1,
                epoch: self.position.epoch as usize + 1,
                value: f64::NAN,
                cause: String::new(),
            });
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

    /// Saves what the outcome allows, writes the report, and hands the outcome on.
    pub(super) fn finish(mut self, result: Result<Outcome>) -> Result<RunReport> {
        let error = match result {
            Ok(outcome) => {
                self.report.outcome = outcome;
                None
            }
            Err(e @ Error::NonFinite { .. }) => {
                let kept = self.saved.1;
                self.report.outcome = Outcome::Failed(format!(
                    "{e}. The folder keeps the checkpoint of step {} (epoch {})",
                    kept.steps, kept.epoch
                ));
                Some(e)
            }
            Err(e) => return Err(e),
        };
        self.folder.write_report(&self.report)?;
        match error {
            None => Ok(self.report),
            Some(e) => Err(e),
        }
    }
}
