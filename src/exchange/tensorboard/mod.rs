//! TensorBoard event files: scalars at every epoch, distributions where a run takes them.
//!
//! Each run has a folder of its own under one folder, which TensorBoard shows as a run. A run that goes on begins a
//! new file with a mark from which step on it counts, so that what an earlier process wrote after its last checkpoint is
//! forgotten (`docs/tensorboard.md`).

mod event;
mod record;

pub use event::{Event, What};

use crate::error::{Error, Result};
use crate::report::{EpochHistograms, EpochRecord, Recovery, RunReport};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Losses of single steps are written this far apart at least: more than a chart can show would only be read slowly.
const STEP_LOSSES_APART: Duration = Duration::from_secs(1);

/// Writes what a run tells into event files.
#[derive(Debug)]
pub struct EventLog {
    folder: PathBuf,
    file: Option<File>,
    /// When a step's loss was written last.
    step_loss: Option<Instant>,
    /// The first thing that went wrong; nothing is written after it.
    failure: Option<Error>,
}

impl EventLog {
    /// A log in the folder `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(folder: &Path) -> Result<EventLog> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        Ok(EventLog { folder: folder.to_path_buf(), file: None, step_loss: None, failure: None })
    }

    /// What went wrong, once: training goes on without the log.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Begins a file for the run `name`, from step `step` on.
    fn begin(&mut self, name: &str, step: u64) -> Result<()> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        self.file = Some(new_file(&folder)?);
        self.write(&Event { wall_time: now(), step: 0, what: What::FileVersion })?;
        if step > 0 {
            self.restart(step)?;
        }
        Ok(())
    }

    /// Says that only what was written of steps up to `step` counts.
    fn restart(&mut self, step: u64) -> Result<()> {
        self.write(&Event { wall_time: now(), step: step + 1, what: What::Start })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(&record::frame(&event.encode()));
        written.map_err(|e| Error::io(&self.folder, e))
    }

    /// Notes a failure, after which nothing more is written.
    fn keep(&mut self, result: Result<()>) {
        if let Err(e) = result {
            self.file = None;
            self.failure.get_or_insert(e);
        }
    }

    fn scalars(&mut self, step: u64, values: &[(&str, Option<f64>)]) {
        let there = values.iter().filter_map(|(tag, value)| Some((tag.to_string(), (*value)? as f32)));
        let what = What::Scalars(there.collect());
        let result = self.write(&Event { wall_time: now(), step, what });
        self.keep(result);
    }
}

impl Observer for EventLog {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        let name = folder.path().file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
        let step = report.epochs.last().map_or(0, |e| e.step).max(report.last_step());
        let result = self.begin(&name, step as u64);
        self.keep(result);
    }

    fn progress(&mut self, progress: &Progress) {
        if self.step_loss.is_none_or(|last| last.elapsed() >= STEP_LOSSES_APART) {
            self.step_loss = Some(Instant::now());
            self.scalars(progress.steps, &[("loss/step", Some(progress.loss))]);
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let metrics = record.metrics.clone().unwrap_or_default();
        let values = [
            ("loss/train", Some(record.train_loss)),
            ("loss/validation", record.validation_loss),
            ("metrics/accuracy", record.validation_accuracy),
            ("metrics/top_k", metrics.top_k.map(|top| top.accuracy)),
            ("metrics/precision_macro", metrics.precision_macro),
            ("metrics/recall_macro", metrics.recall_macro),
            ("metrics/f1_macro", metrics.f1_macro),
            ("metrics/roc_auc", metrics.roc_auc),
            ("metrics/mae", metrics.mae),
            ("metrics/rmse", metrics.rmse),
            ("metrics/r2", metrics.r2),
            ("learning_rate", record.lr),
            ("throughput/samples_per_second", Some(record.samples_per_second)),
        ];
        self.scalars(record.step as u64, &values);
    }

    fn histograms(&mut self, taken: &EpochHistograms) {
        let mut named = Vec::new();
        for tensor in &taken.tensors {
            named.push((tensor.name.clone(), tensor.values.clone()));
            named.extend(tensor.gradient.iter().map(|g| (format!("{}/gradient", tensor.name), g.clone())));
        }
        let event = Event { wall_time: now(), step: taken.step as u64, what: What::Histograms(named) };
        let result = self.write(&event);
        self.keep(result);
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        let result = self.restart(recovery.from_step);
        self.keep(result);
    }
}

/// A file that nobody has: its name sorts by time, as TensorBoard reads them.
fn new_file(folder: &Path) -> Result<File> {
    let seconds = now() as u64;
    let mut number = 0u32;
    loop {
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.wgrad.{}.{number}", std::process::id()));
        match File::options().create_new(true).append(true).open(&path) {
            Ok(file) => return Ok(file),
            Err(e) if e.kind() == ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(e) => return Err(Error::io(path, e)),
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
