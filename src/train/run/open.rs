//! Opening a run: what must hold before it trains (a free folder, or the run's own spec and data), its folder, an engine that
//! stands where a checkpoint says, and what it reports of itself before it has trained.

use super::recover::Losses;
use super::{Job, Observer, Pace, Place, Run};
use crate::data::RowCache;
use crate::error::{Error, Result};
use crate::exec::{Counters, Device};
use crate::report::{DeviceReport, Monitor, Outcome, RunReport};
use crate::train::checkpoint::{Checkpoint, Position};
use crate::train::engine::{Engine, Roles, check_fits};
use crate::train::metrics;
use crate::train::record::{Part, RunRecord};
use crate::train::run_folder::{Lock, Restored, RunFolder};
use crate::train::samples::{RunData, read};
use std::ops::ControlFlow;
use std::time::Instant;

/// What a run that is to train begins with.
pub(super) struct Start {
    pub record: RunRecord,
    /// The folder of a run that goes on, held for this process.
    pub resumed: Option<(RunFolder, Lock)>,
}

/// Looks whether `job` can begin, or gives the report of a run that had finished before; nothing is written but the lock of a
/// run that goes on.
///
/// # Errors
/// [`Error::Spec`], [`Error::Data`], [`Error::Io`].
pub(super) fn begin(job: &Job, observer: &mut dyn Observer) -> Result<ControlFlow<RunReport, Start>> {
    let Place::Resume(_) = &job.place else {
        if let Place::New(Some(dir)) = &job.place {
            RunFolder::refuse_existing(dir)?;
        }
        return Ok(ControlFlow::Continue(Start { record: record_of(job)?, resumed: None }));
    };
    let folder = job.folder()?;
    let lock = folder.lock()?;
    if let Some(notice) = &lock.notice {
        observer.notice(notice);
    }
    let kept = folder.record()?;
    kept.refuse_changed_spec(&job.spec, folder.path())?;
    if let Some(report) = finished(job, &folder) {
        return Ok(ControlFlow::Break(report));
    }
    let found = record_of(job)?;
    kept.refuse_changed_data(&found, folder.path())?;
    // The run keeps its name: a later version may write the same spec otherwise.
    let record = RunRecord { run: kept.run, parts: kept.parts, ..found };
    Ok(ControlFlow::Continue(Start { record, resumed: Some((folder, lock)) }))
}

/// The report of a run that has nothing left to train.
fn finished(job: &Job, folder: &RunFolder) -> Option<RunReport> {
    let position = folder.position().filter(|p| p.is_end(&job.spec.train))?;
    // A stop between the last checkpoint and the report leaves none, or one of an earlier part: it is written then.
    folder.report().filter(|r| r.outcome == Outcome::Finished && r.epochs.len() == position.epoch as usize)
}

/// The record of the job as spec and data are now.
fn record_of(job: &Job) -> Result<RunRecord> {
    RunRecord::of(&job.spec).map_err(|error| match read(&job.spec, &job.place.nearest()) {
        // Who reads the data says better what is wrong with a file that cannot be read.
        Err(better @ Error::Data { .. }) => better,
        _ => error,
    })
}

/// Opens an engine for the run's plans on `device`. Nothing is drawn or read before: what does not fit is refused here.
///
/// # Errors
/// [`Error::Limit`], [`Error::Gpu`], [`Error::Device`].
pub(super) async fn open_engine(job: &Job, device: &Device, prepared: &RunData) -> Result<Engine> {
    let (train, rows) = (&job.spec.train, prepared.train.rows);
    let roles = Roles {
        train: Some((rows, train.batch_of(rows), train.rule(rows))),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        stream: prepared.train.file().is_some(),
        keeps_best: train.early_stopping.is_some(),
        switches: job.switches,
        seed: train.seed,
        ..Roles::default()
    };
    check_fits(device, &prepared.network, roles)?;
    Engine::open(device, &prepared.network, roles).await
}

/// Puts the run's data and the parameters and optimizer states of `checkpoint` in place: with [`open_engine`] all of a run
/// that lives on a device. Both may be called any number of times, on any device; the engines of one checkpoint on one
/// device train the same bits.
///
/// # Errors
/// [`Error::Gpu`], [`Error::Device`].
pub(super) fn fill(engine: &mut Engine, prepared: &RunData, checkpoint: &Checkpoint) -> Result<()> {
    engine.write_parameters(&checkpoint.parameters)?;
    engine.write_states(&checkpoint.states)?;
    checkpoint.position.plateau.lr.iter().for_each(|lr| engine.set_lr(*lr));
    engine.set_training_set(&prepared.train)?;
    prepared.validation.iter().try_for_each(|validation| engine.set_evaluation_set(validation))
}

impl<'a> Run<'a> {
    /// Opens the job's folder and an engine in the state that the folder's checkpoint, or the seed, says.
    pub(super) async fn open(
        job: &'a Job,
        device: &Device,
        prepared: &'a RunData,
        start: Start,
        observer: &mut dyn Observer,
    ) -> Result<Run<'a>> {
        let (network, train) = (&prepared.network, &job.spec.train);
        check_monitor(job, prepared)?;
        check_image(job, prepared)?;
        let Start { mut record, resumed } = start;
        let mut engine = open_engine(job, device, prepared).await?;
        let Restored { checkpoint, notice } = match &resumed {
            Some((folder, _)) => folder.checkpoint(network, train.optimizer, Some(&record.run))?,
            None => {
                let parameters = job.spec.model.initial_parameters(network, train.seed)?;
                let checkpoint = Checkpoint { run: record.run.clone(), parameters, ..Checkpoint::default() };
                Restored { checkpoint, notice: None }
            }
        };
        let (position, best) = (checkpoint.position, checkpoint.best.clone());
        fill(&mut engine, prepared, &checkpoint)?;
        let part = Part::new(position.steps, device, job.switches);
        let change = record.change_of(&part);
        record.parts.push(part);
        let (folder, lock, digest, earlier) = match resumed {
            Some((folder, lock)) => {
                notice.iter().chain(&change).for_each(|text| observer.notice(text));
                let digest = folder.settle(&checkpoint, notice.is_some())?;
                let mut earlier = folder.report().unwrap_or_default();
                // The file is ahead of the checkpoint, and of the report, where the run was killed.
                earlier.epochs = folder.rewind_metrics(position.epoch as usize)?;
                folder.write_record(&record)?;
                (folder, lock, digest, earlier)
            }
            None => {
                let states = engine.read_states().await?;
                let (folder, lock) = start_folder(job, prepared, &record)?;
                let digest = folder.write_checkpoint(&Checkpoint { states, ..checkpoint })?;
                lock.notice.iter().for_each(|text| observer.notice(text));
                (folder, lock, digest, RunReport::default())
            }
        };
        // Last of all: a folder without a spec holds no run, and a start that was cut off leaves nothing that binds.
        folder.write_spec(&job.spec)?;
        let batch = train.batch_of(prepared.train.rows);
        let report = RunReport { digest, ..first_report(job, device, prepared, &engine, position, earlier) };
        Ok(Run {
            job,
            folder,
            _lock: lock,
            id: record.run,
            device: device.clone(),
            prepared,
            engine,
            earlier: Counters::default(),
            batch,
            steps_per_epoch: prepared.train.rows.div_ceil(batch),
            position,
            best,
            report,
            saved: (Instant::now(), position),
            losses: Losses::default(),
            lose_at: job.lose_at.iter().copied().collect(),
            clean_steps: position.steps,
            began: Instant::now(),
            pace: Pace::default(),
        })
    }

    /// Puts the run where its last checkpoint says, on a new engine with fresh arenas: a lost device took the old ones, and
    /// after a number that is not finite what lies between two parameters may be none either, which nothing else would
    /// clear.
    ///
    /// Steps since the checkpoint are trained again, to the same bits on the same adapter. The checkpoint is taken from the
    /// folder, where it was written last and is held against its checksum: a copy in memory would take as much again as
    /// parameters and states do.
    ///
    /// # Errors
    /// As [`open_engine`] and [`fill`]; [`Error::Io`], [`Error::Weights`] when the folder no longer holds the checkpoint.
    pub(super) async fn back_to_checkpoint(&mut self) -> Result<()> {
        let optimizer = self.job.spec.train.optimizer;
        let checkpoint = self.folder.checkpoint(&self.prepared.network, optimizer, Some(&self.id))?.checkpoint;
        self.earlier += self.engine.counters();
        self.engine = open_engine(self.job, &self.device, self.prepared).await?;
        fill(&mut self.engine, self.prepared, &checkpoint)?;
        self.position = checkpoint.position;
        self.best = checkpoint.best;
        Ok(())
    }
}

/// Refuses pictures of another size than the samples.
fn check_image(job: &Job, prepared: &RunData) -> Result<()> {
    let (Some([rows, columns]), features) = (job.spec.data.image, prepared.network.inputs()) else { return Ok(()) };
    let of_pictures = prepared.preprocessing.schema.pictures.map(|[rows, columns, _]| [rows, columns]);
    if of_pictures.map_or(rows.checked_mul(columns) == Some(features), |size| size == [rows, columns]) {
        return Ok(());
    }
    let message = format!(
        "image = [{rows}, {columns}] is not the size of the samples, which have {features} features. Correct it, or leave \
         it out: only reports look at it"
    );
    Err(Error::spec("data.image", message))
}

/// Refuses to watch what the run's targets do not have.
fn check_monitor(job: &Job, prepared: &RunData) -> Result<()> {
    let Some(early) = job.spec.train.early_stopping else { return Ok(()) };
    let classes = prepared.preprocessing.schema.classes.is_some();
    let (outputs, loss) = (prepared.network.outputs(), prepared.network.loss);
    if metrics::applies(early.monitor, classes, outputs, loss) {
        return Ok(());
    }
    let all = Monitor::ALL.into_iter().filter(|m| metrics::applies(*m, classes, outputs, loss)).map(Monitor::name);
    Err(Error::spec(
        "train.early_stopping.monitor",
        format!(
            "{} is not defined for the targets of this run, which are {}. Choose one of {}",
            early.monitor.name(),
            if classes { format!("classes with {outputs} output(s)") } else { "numbers".to_string() },
            all.collect::<Vec<_>>().join(", ")
        ),
    ))
}

/// Makes the folder of a new run, with all that stays as it is but the spec.
fn start_folder(job: &Job, prepared: &RunData, record: &RunRecord) -> Result<(RunFolder, Lock)> {
    let folder = job.folder()?;
    let lock = folder.lock()?;
    folder.clear_cut_off_start()?;
    folder.write_preprocessing(&prepared.preprocessing)?;
    folder.write_record(record)?;
    folder.start_metrics()?;
    Ok((folder, lock))
}

/// What the report shows of a device.
pub fn device_report(device: &Device) -> DeviceReport {
    let (backend, driver) = device.backend_driver();
    let tuning = device.tuning().map(|tuning| format!("; tuning {}", tuning.source)).unwrap_or_default();
    DeviceReport {
        kind: device.kind().to_string(),
        name: device.name().to_string(),
        backend,
        driver,
        reason: format!("{}{tuning}", device.reason()),
    }
}

/// The training rows of each class, where targets are classes.
fn class_rows(prepared: &RunData) -> Vec<(String, usize)> {
    let Some(names) = &prepared.preprocessing.schema.classes else { return Vec::new() };
    // Rows in a file were counted when they were written.
    let mut counts = prepared.train.file().map_or(vec![0; names.len()], |file| file.class_rows().to_vec());
    if let Some(rows) = prepared.train.memory() {
        let of_rows = (0..rows.rows).map(|row| rows.class_of(row));
        of_rows.for_each(|class| counts.get_mut(class).into_iter().for_each(|count| *count += 1));
    }
    names.iter().cloned().zip(counts).collect()
}

/// The report of a run that has not trained yet; a resumed run keeps the curves of its earlier part.
fn first_report(
    job: &Job,
    device: &Device,
    prepared: &RunData,
    engine: &Engine,
    position: Position,
    earlier: RunReport,
) -> RunReport {
    let classes = prepared.preprocessing.schema.classes.iter().flatten();
    let mut report = RunReport {
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
        data_file_bytes: prepared.files().map(RowCache::size_bytes).sum(),
        data_file_folder: prepared.files().next().map_or(String::new(), |file| file.folder().display().to_string()),
        class_rows: class_rows(prepared),
        class_weights: classes.cloned().zip(prepared.class_weights.iter().copied()).collect(),
        skipped_rows: prepared.skipped.count(),
        skipped: prepared.skipped.messages().to_vec(),
        batch_size: job.spec.train.batch_of(prepared.train.rows),
        epochs_planned: job.spec.train.epochs,
        epochs: earlier.epochs,
        first_step: earlier.first_step,
        step_losses: earlier.step_losses,
        step_stride: earlier.step_stride,
        train_seconds: earlier.train_seconds,
        confusion: earlier.confusion,
        classes: earlier.classes,
        shapes: prepared.network.parameters(),
        histograms: earlier.histograms.into_iter().filter(|h| h.step <= position.steps as usize).collect(),
        ..RunReport::default()
    };
    report.forget_losses_after(position.steps as usize);
    report
}
