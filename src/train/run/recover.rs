//! A lost device: the run opens another one and goes on from its last checkpoint by itself.

use super::{Observer, Run, device_report};
use crate::error::{Error, Remedy, Result};
use crate::report::{Outcome, Recovery};
use std::time::{Duration, Instant};

/// Losses in a row, without a checkpoint between them, after which a run gives up: once is a driver's reset, twice may be
/// the same one, and a device that is lost each time never gets further.
const MOST_LOSSES: usize = 3;
/// A driver that resets needs a moment; opening a device again waits this long, each time longer.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a run knows of its lost devices.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Without a checkpoint between them.
    in_a_row: usize,
    /// Steps of the checkpoint from which the run went on the last time.
    from: u64,
    /// The furthest step that was under way when a device was lost; past it the run saves after the submit.
    furthest: u64,
}

impl Run<'_> {
    /// Trains to the end, or until the observer asks to stop, over the loss of devices; then saves.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] when it is lost too often, or none can be opened; otherwise as [`super::train`].
    pub(super) async fn through_losses(&mut self, observer: &mut dyn Observer) -> Result<Outcome> {
        loop {
            let result = match self.epochs(observer).await {
                Ok(outcome) => self.checkpoint().await.map(|()| outcome),
                failed => failed,
            };
            match result {
                Err(Error::DeviceLost(message)) => self.recover(message, observer).await?,
                other => return other,
            }
        }
    }

    /// The step past which a checkpoint is due because the device was lost there: the next loss is then the first one again.
    pub(super) fn mark(&self) -> u64 {
        let due = self.losses.in_a_row > 0 && self.saved.1.steps <= self.losses.furthest;
        if due { self.losses.furthest } else { u64::MAX }
    }

    /// Whether the run is past that step.
    pub(super) fn past_a_loss(&self) -> bool {
        self.position.steps > self.mark()
    }

    async fn recover(&mut self, mut message: String, observer: &mut dyn Observer) -> Result<()> {
        let lost_at = self.position.steps;
        self.losses.furthest = self.losses.furthest.max(lost_at);
        loop {
            let kept = self.saved.1;
            let progressed = kept.steps > self.losses.from;
            self.losses.in_a_row = if progressed { 1 } else { self.losses.in_a_row + 1 };
            self.losses.from = kept.steps;
            if self.losses.in_a_row >= MOST_LOSSES {
                return Err(self.give_up(&message));
            }
            match self.renew(self.losses.in_a_row).await {
                Ok(()) => break,
                // Lost while it was set up: that counts as well.
                Err(Error::DeviceLost(again)) => message = again,
                Err(other) => return Err(other),
            }
        }
        let recovery =
            Recovery { step: lost_at, from_step: self.position.steps, device: self.device.name().to_string(), message };
        self.report.device = device_report(&self.device);
        observer.device_lost(&recovery);
        self.report.recoveries.push(recovery);
        Ok(())
    }

    /// Opens a device and puts the run on it.
    async fn renew(&mut self, attempt: usize) -> Result<()> {
        #[cfg(not(target_arch = "wasm32"))]
        std::thread::sleep(PATIENCE * (attempt - 1) as u32);
        self.device = self.device.reopen().await?;
        self.back_to_checkpoint().await?;
        // What was told of the steps after it is forgotten: it will be told again.
        self.saved = (Instant::now(), self.position);
        self.report.epochs = self.folder.rewind_metrics(self.position.epoch as usize)?;
        self.report.forget_losses_after(self.position.steps as usize);
        self.report.histograms.retain(|h| h.step <= self.position.steps as usize);
        Ok(())
    }

    fn give_up(&self, message: &str) -> Error {
        let kept = self.saved.1;
        let folder = self.folder.path().display();
        Error::DeviceLost(format!(
            "{message}; the device was lost {MOST_LOSSES} times in a row without getting further: training stopped. The \
             folder keeps the checkpoint of step {} (epoch {}). Update the driver and {} {folder}, or {}",
            kept.steps,
            kept.epoch,
            Remedy::Resume,
            Remedy::UseCpu
        ))
    }
}
