//! A run: a spec trained into a run folder, with progress to an observer.

use super::checkpoint::{Checkpoint, Position};
use super::engine::{Engine, Roles};
use super::metrics::confusion;
use super::prepare::{Prepared, prepare};
use super::run_folder::RunFolder;
use crate::data::epoch_order;
use crate::error::{Error, Result};
use crate::exec::{Counters, Device, Flow};
use crate::model::init::initial_parameters;
use crate::plan::Switches;
use crate::report::{DeviceReport, EpochRecord, Outcome, RunReport};
use crate::spec::Spec;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A checkpoint is written at the end of an epoch when the last one is at least this old, and at the end of the run.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);

/// What a run tells whoever started it. Every method has a default that does nothing.
pub trait Observer {
    /// The device is open and the plans are built.
    fn started(&mut self, _report: &RunReport, _folder: &RunFolder) {}
    /// Some steps are done.
    fn progress(&mut self, _progress: &Progress) {}
    /// An epoch is done.
    fn epoch(&mut self, _record: &EpochRecord) {}
    /// True asks the run to stop at the next opportunity, with everything saved.
    fn stop_requested(&self) -> bool {
        false
    }
}

/// Where a run stands between epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// Steps done in all.
    pub steps: u64,
    /// Steps of the whole run.
    pub total_steps: u64,
    /// Loss of the last step.
    pub loss: f64,
    /// Training samples a second, of this process.
    pub samples_per_second: f64,
}

/// What to train and where.
pub struct Job {
    /// The spec, overrides applied.
    pub spec: Spec,
    /// Name of the spec file, for the report.
    pub spec_name: String,
    /// Where the run is kept.
    pub place: Place,
    /// Optimisations of the train step.
    pub switches: Switches,
}

/// Where a run is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A new run in this folder, or in a numbered one under `runs/`. The folder is made only once the data are read and
    /// the device is open, so that a run that cannot start leaves nothing behind.
    New(Option<PathBuf>),
    /// The run in this folder goes on from its checkpoint.
    Resume(RunFolder),
}

impl Job {
    fn folder(&self) -> Result<RunFolder> {
        match &self.place {
            Place::New(Some(dir)) => RunFolder::create(dir),
            Place::New(None) => {
                let stem = Path::new(&self.spec_name).file_stem().and_then(|s| s.to_str()).unwrap_or("run");
                RunFolder::create_numbered(stem)
            }
            Place::Resume(folder) => Ok(folder.clone()),
        }
    }
}

/// Trains `job` on `device`.
///
/// # Errors
/// [`Error::NonFinite`] when the loss stops being a number: the run folder then holds the last good checkpoint and a
/// report that says so. Otherwise [`Error::Data`], [`Error::Limit`], [`Error::Gpu`], [`Error::Device`], [`Error::Io`].
pub async fn train(job: &Job, device: &Device, observer: &mut dyn Observer) -> Result<RunReport> {
    if let Place::New(Some(dir)) = &job.place {
        RunFolder::refuse_existing(dir)?;
    }
    let prepared = prepare(&job.spec)?;
    let mut run = Run::open(job, device, &prepared).await?;
    observer.started(&run.report, &run.folder);
    let result = run.epochs(observer).await;
    run.finish(result, device).await
}

struct Run<'a> {
    job: &'a Job,
    folder: RunFolder,
    prepared: &'a Prepared,
    engine: Engine,
    batch: usize,
    steps_per_epoch: usize,
    position: Position,
    report: RunReport,
    saved: (Instant, Position),
    /// When the first epoch began.
    began: Instant,
}

impl<'a> Run<'a> {
    async fn open(job: &'a Job, device: &Device, prepared: &'a Prepared) -> Result<Run<'a>> {
        let train = &job.spec.train;
        let network = &prepared.network;
        let batch = train.batch_size.min(prepared.train.rows);
        let roles = Roles {
            train: Some((prepared.train.rows, batch, train.optimizer)),
            evaluate: prepared.validation.as_ref().map(|v| v.rows),
            switches: job.switches,
            ..Roles::default()
        };
        let mut engine = Engine::open(device, network, roles).await?;
        let folder = job.folder()?;
        let resume = matches!(job.place, Place::Resume(_));
        let checkpoint = if resume {
            let checkpoint = folder.checkpoint(network, train.optimizer.state_slots())?;
            refuse_changed_data(&folder, prepared, checkpoint.position, batch)?;
            checkpoint
        } else {
            let parameters = initial_parameters(&network.layers, train.seed);
            Checkpoint { position: Position::default(), parameters, states: Vec::new() }
        };
        engine.write_parameters(&checkpoint.parameters)?;
        engine.write_states(&checkpoint.states)?;
        engine.set_training_data(&prepared.train)?;
        if let Some(validation) = &prepared.validation {
            engine.set_evaluation_data(validation)?;
        }
        if !resume {
            // From the first moment on the folder is whole: a run that fails early leaves its initial state.
            folder.write_preprocessing(&prepared.preprocessing)?;
            let states = engine.read_states().await?;
            folder.write_checkpoint(&Checkpoint { states, ..checkpoint.clone() })?;
        }
        folder.write_spec(&job.spec)?;
        let mut earlier = folder.report().filter(|_| resume).unwrap_or_default();
        if resume {
            // The file is ahead of the checkpoint, and of the report, where the run was killed.
            earlier.epochs = folder.rewind_metrics(checkpoint.position.epoch as usize)?;
        }
        let report = first_report(job, device, prepared, &engine, batch, checkpoint.position, earlier);
        Ok(Run {
            job,
            folder,
            prepared,
            engine,
            batch,
            steps_per_epoch: prepared.train.rows.div_ceil(batch),
            position: checkpoint.position,
            report,
            saved: (Instant::now(), checkpoint.position),
            began: Instant::now(),
        })
    }

    async fn epochs(&mut self, observer: &mut dyn Observer) -> Result<Outcome> {
        self.began = Instant::now();
        while (self.position.epoch as usize) < self.job.spec.train.epochs {
            if !self.epoch(observer).await? {
                return Ok(Outcome::Interrupted);
            }
            if self.saved.0.elapsed() >= CHECKPOINT_EVERY {
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
        if good < losses.len() {
            return Err(Error::NonFinite {
                step: position.steps as usize + good + 1,
                epoch: position.epoch as usize + 1,
                value: losses[good],
            });
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

    async fn checkpoint(&mut self) -> Result<()> {
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
            // The last update left the numbers, which the loss of the next step would have shown.
            return Err(Error::NonFinite {
                step: self.position.steps as usize + 1,
                epoch: self.position.epoch as usize + 1,
                value: f64::NAN,
            });
        }
        self.folder.write_checkpoint(&Checkpoint { position: self.position, parameters, states })?;
        self.saved = (Instant::now(), self.position);
        Ok(())
    }

    /// Saves what the outcome allows, writes the report, and hands the outcome on.
    async fn finish(mut self, result: Result<Outcome>, device: &Device) -> Result<RunReport> {
        let result = match result {
            Ok(outcome) => self.checkpoint().await.map(|()| outcome),
            Err(e) => Err(e),
        };
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
        self.report.counters = self.engine.counters();
        tracing::debug!(device = device.name(), steps = self.position.steps, "run ended");
        self.folder.write_report(&self.report)?;
        match error {
            None => Ok(self.report),
            Some(e) => Err(e),
        }
    }
}

/// A run goes on only with the data that it began with: other rows would be another order of samples.
fn refuse_changed_data(folder: &RunFolder, prepared: &Prepared, position: Position, batch: usize) -> Result<()> {
    let changed = |what: &str| {
        Err(Error::data(
            folder.path().display().to_string(),
            format!(
                "the data are no longer those that this run was trained on: {what}. Bring them back, or train a new run"
            ),
        ))
    };
    let (kept, found) = (folder.preprocessing()?, &prepared.preprocessing);
    if kept.schema != found.schema {
        return changed("the columns or classes differ");
    }
    if kept.scaler != found.scaler {
        return changed("the features have another range");
    }
    let rows = folder.report().map_or(prepared.train.rows, |r| r.train_rows);
    if rows != prepared.train.rows || position.step_in_epoch >= prepared.train.rows.div_ceil(batch) {
        return changed(&format!("the training part has {} rows now", prepared.train.rows));
    }
    Ok(())
}

/// What the report shows of a device.
pub fn device_report(device: &Device) -> DeviceReport {
    let (backend, driver) = device.backend_driver();
    DeviceReport {
        kind: device.kind().to_string(),
        name: device.name().to_string(),
        backend,
        driver,
        reason: device.reason().to_string(),
    }
}

/// The report of a run that has not trained yet; a resumed run keeps the curves of its earlier part.
fn first_report(
    job: &Job,
    device: &Device,
    prepared: &Prepared,
    engine: &Engine,
    batch: usize,
    position: Position,
    earlier: RunReport,
) -> RunReport {
    let mut step_losses = earlier.step_losses;
    let wanted = (position.steps as usize).saturating_sub(earlier.first_step);
    if step_losses.len() < wanted {
        // A part of the run that was killed left no report: the curve starts anew rather than with a gap.
        step_losses.clear();
    }
    step_losses.truncate(wanted);
    RunReport {
        version: env!("CARGO_PKG_VERSION").to_string(),
        spec_name: job.spec_name.clone(),
        spec_toml: job.spec.to_toml(),
        device: device_report(device),
        layers: prepared.network.describe(),
        loss: job.spec.train.loss.name().to_string(),
        parameters: prepared.network.parameter_count(),
        memory_bytes: engine.size_bytes(),
        train_rows: prepared.train.rows,
        validation_rows: prepared.validation.as_ref().map_or(0, |v| v.rows),
        batch_size: batch,
        epochs_planned: job.spec.train.epochs,
        epochs: earlier.epochs,
        first_step: if step_losses.is_empty() { position.steps as usize } else { earlier.first_step },
        step_losses,
        train_seconds: earlier.train_seconds,
        confusion: earlier.confusion,
        ..RunReport::default()
    }
}
