//! A run: a spec trained into a run folder, with progress to an observer.

mod epochs;
mod fault;
mod open;
mod recover;
mod save;

pub use fault::BUNDLE;
pub use open::device_report;

use super::checkpoint::Position;
use super::engine::Engine;
use super::run_folder::{Lock, RunFolder};
use super::samples::{RunData, read};
use crate::error::{Error, Result};
use crate::exec::{Counters, Device};
use crate::nn::Tensor;
use crate::nn::disk::Disk;
use crate::plan::Switches;
use crate::report::{EpochHistograms, EpochRecord, Recovery, RunReport, Times};
use crate::spec::Spec;
use crate::tune::as_begun;
use open::begin;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What a run tells whoever started it. Every method has a default that does nothing.
pub trait Observer {
    /// The device is open and the plans are built.
    fn started(&mut self, _report: &RunReport, _folder: &RunFolder) {}
    /// Some steps are done.
    fn progress(&mut self, _progress: &Progress) {}
    /// An epoch is done.
    fn epoch(&mut self, _record: &EpochRecord) {}
    /// Distributions were taken at the end of an epoch.
    fn histograms(&mut self, _histograms: &EpochHistograms) {}
    /// Something that the user should know: a checkpoint that could not be used, another device than before.
    fn notice(&mut self, _text: &str) {}
    /// The device was lost; the run goes on, on a device that was opened anew.
    fn device_lost(&mut self, _recovery: &Recovery) {}
    /// A checkpoint of the first `steps` steps is on the disk.
    fn checkpoint_written(&mut self, _steps: u64) {}
    /// True asks the run for a checkpoint at the next opportunity, until one is written.
    fn checkpoint_requested(&self) -> bool {
        false
    }
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
    /// Where the time went before the steps under way; `wall` is not known yet.
    pub times: Times,
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
    /// What the run folder is written through: [`crate::nn::disk::SystemDisk`], or a test's.
    pub disk: Arc<dyn Disk>,
    /// Steps at which the device is destroyed while it works, rising: how tests show that a run goes on.
    pub lose_at: Vec<u64>,
}

/// Where a run is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A new run in this folder, or in a numbered one under `runs/`. The folder is made only once the data are read and
    /// the device is open, so that a run that cannot start leaves nothing behind.
    New(Option<PathBuf>),
    /// The run in this folder goes on from its checkpoint.
    Resume(RunFolder),
}

impl Place {
    /// The folder of the run, or the nearest one above it that is there already: where samples go that memory does not hold.
    fn nearest(&self) -> PathBuf {
        let wanted = match self {
            Place::New(Some(dir)) => dir.as_path(),
            Place::New(None) => Path::new("runs"),
            Place::Resume(folder) => folder.path(),
        };
        let there = wanted.ancestors().find(|dir| dir.is_dir());
        there.unwrap_or(Path::new(".")).to_path_buf()
    }
}

impl Job {
    fn folder(&self) -> Result<RunFolder> {
        match &self.place {
            Place::New(Some(dir)) => RunFolder::create(dir, Arc::clone(&self.disk)),
            Place::New(None) => {
                let stem = Path::new(&self.spec_name).file_stem().and_then(|s| s.to_str()).unwrap_or("run");
                RunFolder::create_numbered(stem, Arc::clone(&self.disk))
            }
            Place::Resume(folder) => Ok(folder.clone().on(Arc::clone(&self.disk))),
        }
    }
}

/// Trains `job` on `device`. A run that had finished before is not touched; its report is given.
///
/// # Errors
/// [`Error::NonFinite`] when the loss stops being a number: the run folder then holds the last good checkpoint and a
/// report that says so. [`Error::Spec`], [`Error::Data`] when a run is to go on whose spec or data have changed, or which
/// another process trains. Otherwise [`Error::Limit`], [`Error::Gpu`], [`Error::Device`], [`Error::Io`].
pub async fn train(job: &Job, device: &Device, observer: &mut dyn Observer) -> Result<RunReport> {
    let start = match begin(job, observer)? {
        ControlFlow::Break(report) => return Ok(report),
        ControlFlow::Continue(start) => start,
    };
    let mut device = device.clone();
    if start.resumed.is_some() {
        // A run that goes on keeps its ways of computing products, whatever was measured since.
        device = as_begun(device, &start.record);
    }
    let prepared = read(&job.spec, &job.place.nearest())?;
    let mut run = Run::open(job, &device, &prepared, start, observer).await?;
    observer.started(&run.report, &run.folder);
    let trained = run.through_losses(observer).await;
    run.close_books();
    let result = match trained {
        Ok(outcome) => run.conclude(outcome, observer).await,
        Err(e @ Error::NonFinite { .. }) => Err(run.diagnose(e).await),
        result => result,
    };
    run.finish(result)
}

/// A run under way.
struct Run<'a> {
    job: &'a Job,
    folder: RunFolder,
    /// Held until the run ends.
    _lock: Lock,
    /// What checkpoints bear, see [`RunRecord::run`].
    id: String,
    device: Device,
    prepared: &'a RunData,
    /// Everything that the device holds; [`Run::back_to_checkpoint`] replaces it.
    engine: Engine,
    /// What engines before this one did.
    earlier: Counters,
    batch: usize,
    steps_per_epoch: usize,
    position: Position,
    /// The parameters of the best validation, where early stopping keeps them.
    best: Vec<Tensor>,
    report: RunReport,
    /// When the last checkpoint was written, and where the run stood.
    saved: (Instant, Position),
    /// Losses of the device so far.
    losses: recover::Losses,
    /// Losses to provoke; see [`Job::lose_at`].
    lose_at: std::collections::VecDeque<u64>,
    /// Steps of which all numbers are known to be finite, when they are no longer.
    clean_steps: u64,
    /// When the first epoch began.
    began: Instant,
    /// What this process did of the epoch under way.
    pace: Pace,
}

/// Work and its time.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    samples: f64,
    seconds: f64,
}
