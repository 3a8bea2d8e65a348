//! A run: a spec trained into a run folder, with progress to an observer.

mod epochs;
mod fault;
mod open;
mod recover;
mod report;
mod save;

pub use fault::BUNDLE;
pub use report::device_report;

use super::checkpoint::Position;
use super::engine::Engine;
use super::prepare::{Prepared, prepare};
use super::run_folder::RunFolder;
use crate::error::{Error, Result};
use crate::exec::{Counters, Device};
use crate::plan::Switches;
use crate::report::{EpochRecord, Recovery, RunReport};
use crate::spec::Spec;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a run tells whoever started it. Every method has a default that does nothing.
pub trait Observer {
    /// The device is open and the plans are built.
    fn started(&mut self, _report: &RunReport, _folder: &RunFolder) {}
    /// Some steps are done.
    fn progress(&mut self, _progress: &Progress) {}
    /// An epoch is done.
    fn epoch(&mut self, _record: &EpochRecord) {}
    /// The device was lost; the run goes on, on a device that was opened anew.
    fn device_lost(&mut self, _recovery: &Recovery) {}
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
    /// Steps at which the device is destroyed while it works, rising: how tests show that a run goes on.
    pub lose_at: Vec<u64>,
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

/// A run under way.
struct Run<'a> {
    job: &'a Job,
    folder: RunFolder,
    device: Device,
    prepared: &'a Prepared,
    /// Everything that the device holds; [`Run::reopen`] replaces it.
    engine: Engine,
    /// What engines before this one did.
    earlier: Counters,
    batch: usize,
    steps_per_epoch: usize,
    position: Position,
    report: RunReport,
    saved: (Instant, Position),
    /// Losses of the device so far.
    losses: recover::Losses,
    /// Losses to provoke; see [`Job::lose_at`].
    lose_at: std::collections::VecDeque<u64>,
    /// Steps of which all numbers are known to be finite, when they are no longer.
    clean_steps: u64,
    /// When the first epoch began.
    began: Instant,
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
    let result = match run.through_losses(observer).await {
        Err(e @ Error::NonFinite { .. }) => Err(run.diagnose(e).await),
        result => result,
    };
    run.finish(result)
}
