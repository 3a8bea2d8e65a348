//! The end of a run: which parameters are its model.

use super::Run;
use crate::error::Result;
use crate::report::{EpochRecord, Outcome, Stopping};

impl Run<'_> {
    /// Closes a run whose checkpoint is written: with early stopping the model becomes that of the best validation.
    ///
    /// # Errors
    /// As [`super::train`].
    pub(super) async fn conclude(&mut self, outcome: Outcome) -> Result<Outcome> {
        let train = &self.job.spec.train;
        let Some(early) = train.early_stopping else { return Ok(outcome) };
        let kept = self.position.watch.and_then(|watch| watch.kept);
        let restored = early.restore_best && outcome == Outcome::Finished && kept.is_some();
        if let Some(kept) = kept.filter(|_| restored) {
            self.report.digest = self.folder.write_best_as_model(&self.best, self.position.steps, kept.steps)?;
            // The report's matrix and classes are to be those of the model that is handed over.
            self.engine.write_parameters(&self.best)?;
            self.validate(&mut EpochRecord::default()).await?;
        }
        self.report.stopping = Some(Stopping {
            monitor: early.monitor,
            patience: early.patience,
            stopped: self.position.stopped_early(train),
            best_epoch: kept.map(|kept| kept.epoch as usize),
            best_value: kept.map(|kept| kept.value),
            restored,
        });
        Ok(outcome)
    }
}
