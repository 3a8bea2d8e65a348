//! Opening a run: its folder, its data, and an engine that stands where a checkpoint says.

use super::begin::Start;
use super::recover::Losses;
use super::report::first_report;
use super::{Job, Observer, Pace, Run};
use crate::error::{Error, Result};
use crate::exec::{Counters, Device};
use crate::report::{Monitor, RunReport};
use crate::train::checkpoint::{Checkpoint, Position};
use crate::train::engine::{Engine, Roles, check_fits};
use crate::train::metrics;
use crate::train::record::{Part, RunRecord};
use crate::train::run_folder::{Lock, Restored, RunFolder};
use crate::train::samples::RunData;
use std::time::Instant;

/// Samples of a step: a training set smaller than the spec's batch is one batch.
fn batch_size(job: &Job, prepared: &RunData) -> usize {
    job.spec.train.batch_of(prepared.train.rows)
}

/// What the run's engine holds.
fn roles(job: &Job, prepared: &RunData) -> Roles {
    let rows = prepared.train.rows;
    Roles {
        train: Some((rows, batch_size(job, prepared), job.spec.train.rule(rows))),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        stream: prepared.train.file().is_some(),
        keeps_best: job.spec.train.early_stopping.is_some(),
        switches: job.switches,
        seed: job.spec.train.seed,
        ..Roles::default()
    }
}

/// Opens an engine for the run's plans on `device`. Nothing is drawn or read before: what does not fit is refused here.
///
/// # Errors
/// [`crate::Error::Limit`], [`crate::Error::Gpu`], [`crate::Error::Device`].
pub(super) async fn open_engine(job: &Job, device: &Device, prepared: &RunData) -> Result<Engine> {
    let roles = roles(job, prepared);
    check_fits(device, &prepared.network, roles)?;
    Engine::open(device, &prepared.network, roles).await
}

/// Puts the run's data and the parameters and optimizer states of `checkpoint` in place: with [`open_engine`] all of a run
/// that lives on a device. Both may be called any number of times, on any device; the engines of one checkpoint on one
/// device train the same bits.
///
/// # Errors
/// [`crate::Error::Gpu`], [`crate::Error::Device`].
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
        let is_new = resumed.is_none();
        let mut engine = open_engine(job, device, prepared).await?;
        let Restored { checkpoint, notice } = match &resumed {
            Some((folder, _)) => folder.checkpoint(network, train.optimizer.state_slots(), Some(&record.run))?,
            None => Restored { checkpoint: first_checkpoint(job, prepared, &record)?, notice: None },
        };
        let (position, best) = (checkpoint.position, checkpoint.best.clone());
        fill(&mut engine, prepared, &checkpoint)?;
        let part = Part::new(position.steps, device, job.switches);
        let (folder, lock, digest, earlier) = match resumed {
            Some((folder, lock)) => {
                notice.iter().chain(&record.change_of(&part)).for_each(|text| observer.notice(text));
                let digest = folder.settle(&checkpoint, notice.is_some())?;
                let mut earlier = folder.report().unwrap_or_default();
                // The file is ahead of the checkpoint, and of the report, where the run was killed.
                earlier.epochs = folder.rewind_metrics(position.epoch as usize)?;
                record.parts.push(part);
                folder.write_record(&record)?;
                (folder, lock, digest, earlier)
            }
            None => {
                record.parts.push(part);
                let states = engine.read_states().await?;
                let (folder, lock) = start_folder(job, prepared, &record)?;
                let digest = folder.write_checkpoint(&Checkpoint { states, ..checkpoint })?;
                (folder, lock, digest, RunReport::default())
            }
        };
        if is_new {
            lock.notice.iter().for_each(|text| observer.notice(text));
        }
        // Last of all: a folder without a spec holds no run, and a start that was cut off leaves nothing that binds.
        folder.write_spec(&job.spec)?;
        let batch = batch_size(job, prepared);
        let mut report = first_report(job, device, prepared, &engine, batch, position, earlier);
        report.digest = digest;
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
    /// As [`open_engine`] and [`fill`]; [`crate::Error::Io`], [`crate::Error::Weights`] when the folder no longer holds the checkpoint.
    pub(super) async fn back_to_checkpoint(&mut self) -> Result<()> {
        let slots = self.job.spec.train.optimizer.state_slots();
        let checkpoint = self.folder.checkpoint(&self.prepared.network, slots, Some(&self.id))?.checkpoint;
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

/// The state that the seed says.
fn first_checkpoint(job: &Job, prepared: &RunData, record: &RunRecord) -> Result<Checkpoint> {
    Ok(Checkpoint {
        run: record.run.clone(),
        position: Position::default(),
        parameters: job.spec.model.initial_parameters(&prepared.network, job.spec.train.seed)?,
        states: Vec::new(),
        best: Vec::new(),
    })
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
