//! What must hold before a run trains: a free folder, or the run's own spec and data.

use super::{Job, Observer, Place};
use crate::error::{Error, Result};
use crate::exec::Device;
use crate::report::{Outcome, RunReport};
use crate::train::record::RunRecord;
use crate::train::run_folder::{Lock, RunFolder};
use crate::train::samples::read;
use crate::tune::as_begun;

/// How a job begins.
pub(super) enum Begun {
    /// The run had finished before: this is its report.
    Finished(Box<RunReport>),
    /// The run is to train, with this record of what it is trained on.
    Open(Start),
}

/// What a run that is to train begins with.
pub(super) struct Start {
    pub record: RunRecord,
    /// The folder of a run that goes on, held for this process.
    pub resumed: Option<(RunFolder, Lock)>,
}

impl Start {
    /// `device` as the run computes on it: one that goes on keeps its ways of computing products, whatever was measured since.
    pub fn device(&self, device: &Device) -> Device {
        if self.resumed.is_some() { as_begun(device.clone(), &self.record) } else { device.clone() }
    }
}

/// Looks whether `job` can begin; nothing is written but the lock of a run that goes on.
///
/// # Errors
/// [`Error::Spec`], [`Error::Data`], [`Error::Io`].
pub(super) fn begin(job: &Job, observer: &mut dyn Observer) -> Result<Begun> {
    let Place::Resume(_) = &job.place else {
        if let Place::New(Some(dir)) = &job.place {
            RunFolder::refuse_existing(dir)?;
        }
        return Ok(Begun::Open(Start { record: record_of(job)?, resumed: None }));
    };
    let folder = job.folder()?;
    let lock = folder.lock()?;
    if let Some(notice) = &lock.notice {
        observer.notice(notice);
    }
    let kept = folder.record()?;
    kept.refuse_changed_spec(&job.spec, folder.path())?;
    if let Some(report) = finished(job, &folder) {
        return Ok(Begun::Finished(Box::new(report)));
    }
    let found = record_of(job)?;
    kept.refuse_changed_data(&found, folder.path())?;
    // The run keeps its name: a later version may write the same spec otherwise.
    let record = RunRecord { run: kept.run, parts: kept.parts, ..found };
    Ok(Begun::Open(Start { record, resumed: Some((folder, lock)) }))
}

/// The report of a run that has nothing left to train.
fn finished(job: &Job, folder: &RunFolder) -> Option<RunReport> {
    let position = folder.position().filter(|p| p.is_end(&job.spec.train))?;
    // A stop between the last checkpoint and the report leaves none, or one of an earlier part: it is written then.
    folder.report().filter(|r| r.outcome == Outcome::Finished && r.epochs.len() == position.epoch as usize)
}

fn record_of(job: &Job) -> Result<RunRecord> {
    RunRecord::of(&job.spec).map_err(|error| match read(&job.spec, &job.place.nearest()) {
        // Who reads the data says better what is wrong with a file that cannot be read.
        Err(better @ Error::Data { .. }) => better,
        _ => error,
    })
}
