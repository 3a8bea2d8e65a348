//! Those who are told of a run: the terminal, and the event files if they are asked for.

use super::progress::Printer;
use crate::report::{EpochHistograms, EpochRecord, Recovery, RunReport};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use crate::train::tensorboard::EventLog;

/// Hands on what a run says.
pub struct Watchers {
    pub printer: Printer,
    pub events: Option<EventLog>,
}

impl Watchers {
    /// A log that cannot be written is told of once; the training is worth more.
    fn tell_failure(&mut self) {
        if let Some(failure) = self.events.as_mut().and_then(EventLog::take_failure) {
            self.events = None;
            self.printer.notice(&format!("{failure}; TensorBoard gets nothing more of this run"));
        }
    }

    fn events(&mut self, tell: impl FnOnce(&mut EventLog)) {
        if let Some(events) = &mut self.events {
            tell(events);
            self.tell_failure();
        }
    }
}

impl Observer for Watchers {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        self.printer.started(report, folder);
        self.events(|events| events.started(report, folder));
    }

    fn progress(&mut self, progress: &Progress) {
        self.printer.progress(progress);
        self.events(|events| events.progress(progress));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.printer.epoch(record);
        self.events(|events| events.epoch(record));
    }

    fn histograms(&mut self, histograms: &EpochHistograms) {
        self.events(|events| events.histograms(histograms));
    }

    fn notice(&mut self, text: &str) {
        self.printer.notice(text);
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        self.printer.device_lost(recovery);
        self.events(|events| events.device_lost(recovery));
    }

    fn stop_requested(&self) -> bool {
        self.printer.stop_requested()
    }
}
