//! What a run saves: checkpoints on its way, and the report at its end.

use super::Run;
use crate::error::{Error, Result};
use crate::report::{Outcome, RunReport};
use crate::train::checkpoint::Checkpoint;
use std::time::Instant;

impl Run<'_> {
    /// Saves where the run stands, and counts the time.
    pub(super) async fn checkpoint(&mut self) -> Result<()> {
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
        self.folder.write_checkpoint(&Checkpoint { position: self.position, parameters, states })?;
        self.saved = (Instant::now(), self.position);
        Ok(())
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
        self.report.times.wall = self.began.elapsed().as_secs_f64();
        self.report.counters = self.earlier;
        self.report.counters += self.engine.counters();
        tracing::debug!(device = self.report.device.name, steps = self.position.steps, "run ended");
        self.folder.write_report(&self.report)?;
        match error {
            None => Ok(self.report),
            Some(e) => Err(e),
        }
    }
}
