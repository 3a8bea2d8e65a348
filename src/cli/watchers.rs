//! Those who are told of a run: the terminal, and the event files if they are asked for.

use crate::exchange::tensorboard::EventLog;
use crate::report::{EpochHistograms, EpochRecord, Recovery, RunReport};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use std::path::PathBuf;

/// What a command wants to know of a run when it has ended.
#[derive(Debug)]
pub struct Seen {
    /// The run's folder; empty before a new run has started.
    pub folder: PathBuf,
    /// False when there was nothing left to train.
    pub has_trained: bool,
}

/// Hands on what a run says, and takes notes.
pub struct Watchers<'a> {
    pub seen: Seen,
    pub shown: &'a mut dyn Observer,
    pub events: Option<EventLog>,
}

impl Watchers<'_> {
    /// A log that cannot be written is told of once; the training is worth more.
    fn tell_failure(&mut self) {
        if let Some(failure) = self.events.as_mut().and_then(EventLog::take_failure) {
            self.events = None;
            self.shown.notice(&format!("{failure}; TensorBoard gets nothing more of this run"));
        }
    }

    fn events(&mut self, tell: impl FnOnce(&mut EventLog)) {
        if let Some(events) = &mut self.events {
            tell(events);
            self.tell_failure();
        }
    }
}

impl Observer for Watchers<'_> {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        self.seen.folder = folder.path().to_path_buf();
        self.shown.started(report, folder);
        self.events(|events| events.started(report, folder));
    }

    fn progress(&mut self, progress: &Progress) {
        self.seen.has_trained = true;
        self.shown.progress(progress);
        self.events(|events| events.progress(progress));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.shown.epoch(record);
        self.events(|events| events.epoch(record));
    }

    fn histograms(&mut self, histograms: &EpochHistograms) {
        self.events(|events| events.histograms(histograms));
    }

    fn notice(&mut self, text: &str) {
        self.shown.notice(text);
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        self.shown.device_lost(recovery);
        self.events(|events| events.device_lost(recovery));
    }

    fn checkpoint_written(&mut self, steps: u64) {
        self.shown.checkpoint_written(steps);
    }

    fn checkpoint_requested(&self) -> bool {
        self.shown.checkpoint_requested()
    }

    fn stop_requested(&self) -> bool {
        self.shown.stop_requested()
    }
}
