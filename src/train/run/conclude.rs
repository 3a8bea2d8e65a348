//! The end of a run: which parameters are its model, and what the report shows of it.

use super::{Observer, Run};
use crate::error::Result;
use crate::report::{EpochRecord, KernelTime, Outcome, Stopping};
use crate::train::portrait::{Subject, image_of, portray};

/// Steps whose dispatches are timed.
const TIMED_STEPS: usize = 5;
/// They are timed where they are expected to take less than this together, in seconds.
const MOST_SECONDS: f64 = 1.0;

impl Run<'_> {
    /// Closes a run whose checkpoint is written: with early stopping the model becomes that of the best validation.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the model cannot be written. What only the report would show is left out with a notice.
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
}
