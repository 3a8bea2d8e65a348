//! The epochs of a run.

use super::{Observer, Progress, Run};
use crate::data::epoch_order;
use crate::error::Result;
use crate::exec::{Counters, Flow};
use crate::report::{EpochRecord, Outcome};
use crate::train::metrics::confusion;
use std::time::{Duration, Instant};

/// A checkpoint is written at the end of an epoch when the last one is at least this old, and at the end of the run.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

impl Run<'_> {
    /// Trains until the last epoch is done or the observer asks to stop.
    pub(super) async fn epochs(&mut self, observer: &mut dyn Observer) -> Result<Outcome> {
        self.began = Instant::now();
        while (self.position.epoch as usize) < self.job.spec.train.epochs {
            if !self.epoch(observer).await? {
                return Ok(Outcome::Interrupted);
            }
            if self.saved.0.elapsed() >= CHECKPOINT_EVERY || self.past_a_loss() {
                self.checkpoint().await?;
            }
        }
        Ok(Outcome::Finished)
    }

    /// Trains one epoch, or the rest of one; false when the observer asked to stop within it.
    async fn epoch(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let begin = Instant::now();
        let (position, batch, rows) = (self.position, self.batch, self.prepared.train.rows);
        let order = epoch_order(self.job.spec.train.seed, position.epoch, rows);
        self.report.times.shuffle += begin.elapsed().as_secs_f64();
        let before = self.engine.counters();
        let mut taken_in = Duration::ZERO;
        let skip = position.step_in_epoch * batch;
        let total_steps = (self.steps_per_epoch * self.job.spec.train.epochs) as u64;
        let mut losses: Vec<f64> = Vec::with_capacity(self.steps_per_epoch);
        let (device, lose_at) = (&self.device, &mut self.lose_at);
        let mut sink = |part: &[f64]| {
            let entered = Instant::now();
            losses.extend_from_slice(part);
            let seconds = begin.elapsed().as_secs_f64();
            observer.progress(&Progress {
                epoch: position.epoch as usize + 1,
                steps: position.steps + losses.len() as u64,
                total_steps,
                loss: losses.last().copied().unwrap_or(f64::NAN),
                samples_per_second: (losses.len() * batch).min(rows - skip) as f64 / seconds.max(1e-9),
            });
            if lose_at.front().is_some_and(|step| *step <= position.steps + losses.len() as u64) {
                lose_at.pop_front();
                device.lose();
            }
            let stop = observer.stop_requested() || !part.iter().all(|l| l.is_finite());
            taken_in += entered.elapsed();
            if stop { Flow::Stop } else { Flow::Continue }
        };
        let done = self.engine.train(&order[skip..], position.steps, &mut sink).await?;
        let seconds = begin.elapsed().as_secs_f64();
        self.report.times.losses += taken_in.as_secs_f64();
        self.add_times(before);
        self.report.train_seconds += seconds;
        let good = losses.iter().position(|l| !l.is_finite()).unwrap_or(losses.len());
        self.report.step_losses.extend(losses[..good].iter().map(|l| *l as f32));
        if let Some(error) = self.left_the_numbers(&losses) {
            return Err(error);
        }
        self.position.steps += done as u64;
        self.position.step_in_epoch += done;
        if self.position.step_in_epoch < self.steps_per_epoch {
            return Ok(false);
        }
        self.position.epoch += 1;
        self.position.step_in_epoch = 0;
        let weight = |i: usize| batch.min(rows - skip - i * batch) as f64;
        let sum: f64 = losses.iter().enumerate().map(|(i, l)| l * weight(i)).sum();
        let samples = (rows - skip) as f64;
        self.end_of_epoch(observer, sum / samples, seconds, samples).await?;
        // A stop asked for during the last step of an epoch: the epoch is complete, the run is not.
        Ok(!observer.stop_requested() || self.position.epoch as usize == self.job.spec.train.epochs)
    }

    async fn end_of_epoch(&mut self, observer: &mut dyn Observer, loss: f64, seconds: f64, samples: f64) -> Result<()> {
        let mut record = EpochRecord {
            epoch: self.position.epoch as usize,
            step: self.position.steps as usize,
            train_loss: loss,
            validation_loss: None,
            validation_accuracy: None,
            seconds,
            samples_per_second: samples / seconds.max(1e-9),
        };
        let begin = Instant::now();
        if let Some(validation) = &self.prepared.validation {
            let evaluation = self.engine.evaluate().await?;
            record.validation_loss = Some(evaluation.loss).filter(|l| l.is_finite());
            self.report.confusion = confusion(
                &evaluation.predictions,
                &validation.targets,
                self.prepared.preprocessing.schema.classes.as_deref(),
                self.prepared.network.outputs(),
                self.prepared.network.loss,
            );
            record.validation_accuracy = self.report.confusion.as_ref().map(|c| c.accuracy());
        }
        let evaluated = Instant::now();
        self.report.times.evaluate += (evaluated - begin).as_secs_f64();
        self.folder.append_metrics(&record)?;
        self.report.times.save += evaluated.elapsed().as_secs_f64();
        let shown = Instant::now();
        observer.epoch(&record);
        self.report.times.losses += shown.elapsed().as_secs_f64();
        self.report.epochs.push(record);
        Ok(())
    }

    /// Adds what the session did since `before` to the times.
    fn add_times(&mut self, before: Counters) {
        let after = self.engine.counters();
        let seconds = |of: fn(&Counters) -> u64| (of(&after) - of(&before)) as f64 * 1e-9;
        let times = &mut self.report.times;
        times.tables += seconds(|c| c.tables_ns);
        times.encode += seconds(|c| c.host_ns) - seconds(|c| c.submit_ns);
        times.submit += seconds(|c| c.submit_ns);
        // A GPU works beside the host, which waits for it; the CPU does the work itself.
        times.device += if after.submits > 0 { seconds(|c| c.wait_ns) } else { seconds(|c| c.device_ns) };
    }
}
