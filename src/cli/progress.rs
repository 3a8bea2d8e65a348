//! Progress of a run: a bar on a terminal, plain lines on a pipe.

use super::out;
use crate::report::{EpochRecord, Recovery, RunReport};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints what a run says.
pub struct Printer {
    stop: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
    epochs: usize,
    accuracy: Option<f64>,
    folder: PathBuf,
    has_trained: bool,
}

/// A run of many epochs prints about this many lines on a pipe.
const LINES: usize = 50;

impl Printer {
    /// A printer whose run stops when `stop` is set.
    pub fn new(stop: Arc<AtomicBool>) -> Printer {
        Printer { stop, bar: None, epochs: 0, accuracy: None, folder: PathBuf::new(), has_trained: false }
    }

    /// The run's folder; empty before the run has started.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// False when there was nothing left to train.
    pub fn has_trained(&self) -> bool {
        self.has_trained
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => out::words(text),
        }
    }
}

impl Observer for Printer {
    fn started(&mut self, report: &RunReport, folder: &RunFolder) {
        let device = &report.device;
        let via = match (device.backend.as_str(), device.driver.as_str()) {
            ("", _) => String::new(),
            (backend, "") => format!(", {backend}"),
            (backend, driver) => format!(", {backend}, {driver}"),
        };
        out::words(&format!("device      {}{via} ({})", device.name, device.reason));
        out::words(&format!(
            "network     {}; {} parameters",
            report.layers.join(", "),
            out::count(report.parameters as u64)
        ));
        out::words(&format!(
            "data        {} training rows, {} validation rows, batches of {}",
            out::count(report.train_rows as u64),
            out::count(report.validation_rows as u64),
            report.batch_size
        ));
        out::words(&format!("memory      {} on the device", out::bytes(report.memory_bytes)));
        out::words(&format!("run folder  {}", folder.path().display()));
        self.folder = folder.path().to_path_buf();
        self.epochs = report.epochs_planned;
        if std::io::stderr().is_terminal() {
            let steps = report.train_rows.div_ceil(report.batch_size) * report.epochs_planned;
            let bar = ProgressBar::new(steps as u64);
            let template = "{bar:30.cyan/blue} {percent:>3}% {msg} eta {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            self.bar = Some(bar);
        }
    }

    fn progress(&mut self, p: &Progress) {
        self.has_trained = true;
        if let Some(bar) = &self.bar {
            bar.set_position(p.steps);
            let accuracy = self.accuracy.map(|a| format!("  accuracy {:.2} %", 100.0 * a)).unwrap_or_default();
            bar.set_message(format!(
                "epoch {}/{}  loss {:.4}{accuracy}  {} samples/s",
                p.epoch,
                self.epochs,
                p.loss,
                out::count(p.samples_per_second as u64)
            ));
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.accuracy = record.validation_accuracy;
        let every = self.epochs.div_ceil(LINES).max(1);
        let wanted = record.epoch.is_multiple_of(every) || record.epoch == 1 || record.epoch == self.epochs;
        if self.bar.is_none() && wanted {
            self.line(&epoch_line(record, self.epochs));
        }
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        let Recovery { step, from_step, device, message } = recovery;
        self.line(&format!(
            "warning: {message}, after step {step}; going on from the checkpoint of step {from_step} on {device}"
        ));
    }

    fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn epoch_line(record: &EpochRecord, epochs: usize) -> String {
    let mut line = format!("epoch {}/{epochs}  loss {:.6}", record.epoch, record.train_loss);
    if let Some(loss) = record.validation_loss {
        line.push_str(&format!("  validation loss {loss:.6}"));
    }
    if let Some(accuracy) = record.validation_accuracy {
        line.push_str(&format!("  accuracy {:.2} %", 100.0 * accuracy));
    }
    line.push_str(&format!("  {} samples/s", out::count(record.samples_per_second as u64)));
    line
}
