//! The epochs of a run.

use super::{Observer, Pace, Progress, Run};
use crate::error::Result;
use crate::exec::{Counters, Flow};
use crate::graph::{Policy, UpdateRule};
use crate::report::{EpochHistograms, EpochRecord, Histogram, Outcome, TensorHistogram};
use crate::train::checkpoint::{Best, Kept, Watch};
use crate::train::metrics::Tally;
use crate::train::samples::Order;
use std::time::{Duration, Instant};

/// A run is looked at this often, spread evenly over its epochs.
const SAMPLES: usize = 12;
/// Larger networks are not looked at: reading so many numbers back would be noticed.
const MOST_PARAMETERS: usize = 1 << 24;

impl Run<'_> {
    /// Trains until the last epoch is done or the observer asks to stop.
    pub(super) async fn epochs(&mut self, observer: &mut dyn Observer) -> Result<Outcome> {
        while !self.position.is_end(&self.job.spec.train) {
            if !self.epoch(observer).await? {
                return Ok(Outcome::Interrupted);
            }
            self.checkpoint_if_due(observer).await?;
        }
        Ok(Outcome::Finished)
    }

    /// Trains one epoch, or the rest of one; false when the observer asked to stop.
    async fn epoch(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let begin = Instant::now();
        let rows = self.prepared.train.rows;
        let order = self.prepared.train.order(self.job.spec.train.seed, self.position.epoch);
        self.report.times.shuffle += begin.elapsed().as_secs_f64();
        self.pace = Pace::default();
        while self.position.step_in_epoch < self.steps_per_epoch {
            let stop = self.steps(&order, observer).await?;
            if self.position.step_in_epoch == self.steps_per_epoch {
                break;
            }
            if stop {
                return Ok(false);
            }
            self.checkpoint_if_due(observer).await?;
        }
        self.position.epoch += 1;
        self.position.step_in_epoch = 0;
        let loss = std::mem::take(&mut self.position.loss_sum) / rows as f64;
        self.end_of_epoch(observer, loss).await?;
        // A stop asked for during the last step of an epoch: the epoch is complete, the run is not.
        Ok(!observer.stop_requested() || self.position.is_end(&self.job.spec.train))
    }

    /// Trains on with the epoch's `order`, to its end at most: to the step after which a checkpoint is due, or until one is
    /// due by time, or until the observer asks to stop; true in the last case.
    async fn steps(&mut self, order: &Order, observer: &mut dyn Observer) -> Result<bool> {
        let begin = Instant::now();
        let before = self.engine.counters();
        let (position, batch, rows, pace) = (self.position, self.batch, self.prepared.train.rows, self.pace);
        let total_steps = self.steps_per_run();
        let steps = position.step_in_epoch..self.end_of_steps();
        let samples_in_all = (steps.end * batch).min(rows) - steps.start * batch;
        let mut taken_in = Duration::ZERO;
        let mut losses: Vec<f64> = Vec::with_capacity(steps.len());
        let mut stop = false;
        let (saved, limit, mark) = (self.saved.0, self.checkpoint_age(), self.mark());
        let times = self.report.times;
        let (device, lose_at) = (&self.device, &mut self.lose_at);
        let mut sink = |part_losses: &[f64]| {
            let entered = Instant::now();
            losses.extend_from_slice(part_losses);
            let samples = pace.samples + (losses.len() * batch).min(samples_in_all) as f64;
            observer.progress(&Progress {
                epoch: position.epoch as usize + 1,
                steps: position.steps + losses.len() as u64,
                total_steps,
                loss: losses.last().copied().unwrap_or(f64::NAN),
                samples_per_second: samples / (pace.seconds + begin.elapsed().as_secs_f64()).max(1e-9),
                times,
            });
            if lose_at.front().is_some_and(|step| *step <= position.steps + losses.len() as u64) {
                lose_at.pop_front();
                device.lose();
            }
            stop |= observer.stop_requested();
            let past_a_loss = position.steps + losses.len() as u64 > mark;
            let asked = stop || observer.checkpoint_requested();
            let end = asked || past_a_loss || saved.elapsed() >= limit || !part_losses.iter().all(|l| l.is_finite());
            taken_in += entered.elapsed();
            if end { Flow::Stop } else { Flow::Continue }
        };
        let done = self.engine.train_set(&self.prepared.train, order, steps, position.steps, &mut sink).await?;
        self.report.times.losses += taken_in.as_secs_f64();
        self.add_times(before);
        self.pace.seconds += begin.elapsed().as_secs_f64();
        self.pace.samples += (done * batch).min(samples_in_all) as f64;
        self.report.train_seconds += begin.elapsed().as_secs_f64();
        self.take_in(&losses)?;
        Ok(stop)
    }

    /// The step of the epoch after which a checkpoint by steps is due, or the epoch's last one.
    fn end_of_steps(&self) -> usize {
        let every = self.job.spec.train.checkpoint.steps as u64;
        let until = if every == 0 { u64::MAX } else { every - self.position.steps % every };
        let left = (self.steps_per_epoch - self.position.step_in_epoch) as u64;
        self.position.step_in_epoch + left.min(until) as usize
    }

    /// Counts steps with their losses.
    fn take_in(&mut self, losses: &[f64]) -> Result<()> {
        let good = losses.iter().position(|l| !l.is_finite()).unwrap_or(losses.len());
        if let Some(error) = self.left_the_numbers(losses) {
            self.report.add_losses(self.position.steps as usize, &losses[..good]);
            return Err(error);
        }
        self.report.add_losses(self.position.steps as usize, losses);
        for loss in losses {
            let first_row = self.position.step_in_epoch * self.batch;
            let samples = self.batch.min(self.prepared.train.rows - first_row);
            self.position.loss_sum += loss * samples as f64;
            self.position.step_in_epoch += 1;
            self.position.steps += 1;
        }
        Ok(())
    }

    async fn end_of_epoch(&mut self, observer: &mut dyn Observer, loss: f64) -> Result<()> {
        let mut record = EpochRecord {
            epoch: self.position.epoch as usize,
            step: self.position.steps as usize,
            train_loss: loss,
            lr: Some(self.rule().lr(self.position.steps.saturating_sub(1))),
            seconds: self.pace.seconds,
            samples_per_second: self.pace.samples / self.pace.seconds.max(1e-9),
            ..EpochRecord::default()
        };
        let begin = Instant::now();
        let (epoch, train) = (self.position.epoch as usize, &self.job.spec.train);
        let is_due = epoch.is_multiple_of(train.validate_every);
        // The last epoch is validated in any case, so that a run ends with a figure. What does not depend on where it ends
        // counts none but those that are due: a run of more epochs would not have validated here.
        if self.prepared.validation.is_some() && (is_due || epoch == train.epochs) {
            self.validate(&mut record).await?;
            if is_due {
                self.position.best = better(self.position.best, &record);
                self.watch(&record).await?;
            }
        }
        if is_due || self.prepared.validation.is_none() {
            self.reduce_on_plateau(&record);
        }
        let evaluated = Instant::now();
        self.report.times.evaluate += (evaluated - begin).as_secs_f64();
        self.folder.append_metrics(&record)?;
        self.take_distributions(observer).await?;
        self.report.times.save += evaluated.elapsed().as_secs_f64();
        let shown = Instant::now();
        observer.epoch(&record);
        self.report.times.losses += shown.elapsed().as_secs_f64();
        self.report.epochs.push(record);
        Ok(())
    }

    /// Measures the network as it is on the validation rows.
    pub(super) async fn validate(&mut self, record: &mut EpochRecord) -> Result<()> {
        let (network, classes) = (&self.prepared.network, self.prepared.preprocessing.schema.classes.as_deref());
        let mut tally = Tally::new(classes, network.outputs(), network.loss, None);
        let loss = self.engine.evaluate_set(&mut |predictions, targets| tally.add(predictions, targets)).await?;
        let measured = tally.finish();
        record.validation_loss = Some(loss).filter(|l| l.is_finite());
        record.validation_accuracy = measured.confusion.as_ref().map(|c| c.accuracy());
        record.metrics = Some(measured.metrics);
        (self.report.confusion, self.report.classes) = (measured.confusion, measured.classes);
        Ok(())
    }

    /// Early stopping: keeps the parameters of the best validation, and counts those since.
    async fn watch(&mut self, record: &EpochRecord) -> Result<()> {
        let Some(early) = self.job.spec.train.early_stopping else { return Ok(()) };
        let Watch { kept, waited } = self.position.watch.unwrap_or_default();
        let value = early.monitor.of(record).filter(|value| value.is_finite());
        let better = |value: &f64| kept.is_none_or(|k| early.monitor.is_better(*value, k.value, early.min_delta));
        self.position.watch = Some(match value.filter(better) {
            Some(value) => {
                self.best = self.engine.read_parameters().await?;
                let kept = Kept { epoch: self.position.epoch, steps: self.position.steps, value };
                Watch { kept: Some(kept), waited: 0 }
            }
            None => Watch { kept, waited: waited + 1 },
        });
        Ok(())
    }

    /// The optimizer with its schedule, at the rate that holds now.
    pub(super) fn rule(&self) -> UpdateRule {
        let rule = self.job.spec.train.rule(self.prepared.train.rows);
        self.position.plateau.lr.map_or(rule, |lr| rule.with_lr(lr))
    }

    /// Lets the epoch's loss, on the validation rows where there are such, decide about the learning rate.
    fn reduce_on_plateau(&mut self, record: &EpochRecord) {
        let train = &self.job.spec.train;
        let Policy::ReduceOnPlateau(plateau) = train.schedule.schedule.policy else { return };
        let loss = match self.prepared.validation {
            // A loss that is no finite number is not better than any.
            Some(_) => record.validation_loss.unwrap_or(f64::NAN),
            None => record.train_loss,
        };
        self.position.plateau.take(&plateau, train.optimizer.lr(), loss);
        self.position.plateau.lr.iter().for_each(|lr| self.engine.set_lr(*lr));
    }

    /// Takes the distributions, if this epoch is one of those at which they are taken. What is read back changes nothing on
    /// the device.
    async fn take_distributions(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let (epoch, epochs) = (self.position.epoch as usize, self.job.spec.train.epochs);
        let is_due = epoch == 1 || epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(SAMPLES).max(1));
        if !is_due || self.prepared.network.parameter_count() > MOST_PARAMETERS {
            return Ok(());
        }
        let parameters = self.engine.read_parameters().await?;
        // Without gradients the parameters are worth showing, too.
        let gradients = self.engine.read_gradients().await.unwrap_or_default();
        // Running statistics have no gradient.
        let of = |name: &str| gradients.iter().find(|g| g.name.strip_prefix("grad.") == Some(name));
        let tensors = parameters.into_iter().map(|parameter| TensorHistogram {
            values: Histogram::of(&parameter.values),
            gradient: of(&parameter.name).map(|gradient| Histogram::of(&gradient.values)),
            name: parameter.name,
        });
        let taken = EpochHistograms { epoch, step: self.position.steps as usize, tensors: tensors.collect() };
        observer.histograms(&taken);
        // A run that goes on to a later end may have looked at what was its last epoch before.
        self.report.histograms.retain(|earlier| earlier.epoch != epoch);
        self.report.histograms.push(taken);
        Ok(())
    }

    /// Adds what the session did since `before` to the times.
    fn add_times(&mut self, before: Counters) {
        let after = self.engine.counters();
        let seconds = |of: fn(&Counters) -> u64| (of(&after) - of(&before)) as f64 * 1e-9;
        let times = &mut self.report.times;
        times.tables += seconds(|c| c.tables_ns);
        times.data += seconds(|c| c.data_ns);
        times.encode += seconds(|c| c.host_ns) - seconds(|c| c.submit_ns);
        times.submit += seconds(|c| c.submit_ns);
        // A GPU works beside the host, which waits for it; the CPU does the work itself.
        times.device += if after.submits > 0 { seconds(|c| c.wait_ns) } else { seconds(|c| c.device_ns) };
    }
}

/// The better of the best epoch so far and of this one; the first of equals.
fn better(best: Option<Best>, record: &EpochRecord) -> Option<Best> {
    let lower = |loss: &f64| best.is_none_or(|best| *loss < best.validation_loss);
    let this = record.validation_loss.filter(lower);
    this.map(|validation_loss| Best { epoch: record.epoch as u32, validation_loss }).or(best)
}
