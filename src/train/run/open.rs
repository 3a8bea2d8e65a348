//! Opening a run: its folder, its data, and an engine that stands where a checkpoint says.

use super::recover::Losses;
use super::report::first_report;
use super::{Job, Place, Run};
use crate::error::{Error, Result};
use crate::exec::{Counters, Device};
use crate::train::checkpoint::{Checkpoint, Position};
use crate::train::engine::{Engine, Roles, check_fits};
use crate::train::prepare::Prepared;
use crate::train::run_folder::RunFolder;
use std::time::Instant;

/// Samples of a step: a training set smaller than the spec's batch is one batch.
fn batch_size(job: &Job, prepared: &Prepared) -> usize {
    job.spec.train.batch_size.min(prepared.train.rows)
}

/// What the run's engine holds.
fn roles(job: &Job, prepared: &Prepared) -> Roles {
    Roles {
        train: Some((prepared.train.rows, batch_size(job, prepared), job.spec.train.optimizer)),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        switches: job.switches,
        ..Roles::default()
    }
}

/// Opens an engine on `device` with the run's data in place and the parameters and optimizer states of `checkpoint`:
/// all of a run that lives on a device. It may be called any number of times, on any device; the engines of one
/// checkpoint on one device train the same bits.
///
/// # Errors
/// [`Error::Limit`], [`Error::Gpu`], [`Error::Device`].
pub(super) async fn open_engine(
    job: &Job,
    device: &Device,
    prepared: &Prepared,
    checkpoint: &Checkpoint,
) -> Result<Engine> {
    let mut engine = Engine::open(device, &prepared.network, roles(job, prepared)).await?;
    engine.write_parameters(&checkpoint.parameters)?;
    engine.write_states(&checkpoint.states)?;
    engine.set_training_data(&prepared.train)?;
    if let Some(validation) = &prepared.validation {
        engine.set_evaluation_data(validation)?;
    }
    Ok(engine)
}

impl<'a> Run<'a> {
    /// Opens the job's folder and an engine in the state that the folder's checkpoint, or the seed, says.
    pub(super) async fn open(job: &'a Job, device: &Device, prepared: &'a Prepared) -> Result<Run<'a>> {
        let train = &job.spec.train;
        let network = &prepared.network;
        let batch = batch_size(job, prepared);
        // Before parameters are drawn: they may not fit either.
        check_fits(device, network, roles(job, prepared))?;
        let resume = matches!(job.place, Place::Resume(_));
        let checkpoint = if let Place::Resume(folder) = &job.place {
            let checkpoint = folder.checkpoint(network, train.optimizer.state_slots())?;
            refuse_changed_data(folder, prepared, checkpoint.position, batch)?;
            checkpoint
        } else {
            let parameters = job.spec.model.initial_parameters(network, train.seed);
            Checkpoint { position: Position::default(), parameters, states: Vec::new() }
        };
        let mut engine = open_engine(job, device, prepared, &checkpoint).await?;
        // Only now: a run that the device has no memory for leaves no folder behind.
        let folder = job.folder()?;
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
            device: device.clone(),
            prepared,
            engine,
            earlier: Counters::default(),
            batch,
            steps_per_epoch: prepared.train.rows.div_ceil(batch),
            position: checkpoint.position,
            report,
            saved: (Instant::now(), checkpoint.position),
            losses: Losses::default(),
            lose_at: job.lose_at.iter().copied().collect(),
            clean_steps: checkpoint.position.steps,
            began: Instant::now(),
        })
    }

    /// The way back after a lost device: a new engine on `device`, and the run stands where its last checkpoint says.
    ///
    /// The caller (the loop in [`Run::epochs`], on an error that means a lost device) opens `device` anew, calls this and
    /// goes on with the loop; steps since the checkpoint are trained again, to the same bits on the same adapter. The
    /// checkpoint is taken from the folder, where it was written last and is held against its checksum: a copy in memory
    /// would take as much again as parameters and states do. Losses and metrics after it are forgotten.
    ///
    /// # Errors
    /// As [`open_engine`]; [`Error::Io`], [`Error::Weights`] when the folder no longer holds the checkpoint.
    pub(super) async fn reopen(&mut self, device: &Device) -> Result<()> {
        let slots = self.job.spec.train.optimizer.state_slots();
        let checkpoint = self.folder.checkpoint(&self.prepared.network, slots)?;
        self.earlier += self.engine.counters();
        self.engine = open_engine(self.job, device, self.prepared, &checkpoint).await?;
        self.position = checkpoint.position;
        self.saved = (Instant::now(), checkpoint.position);
        self.report.epochs = self.folder.rewind_metrics(checkpoint.position.epoch as usize)?;
        let kept = (checkpoint.position.steps as usize).saturating_sub(self.report.first_step);
        self.report.step_losses.truncate(kept);
        Ok(())
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
