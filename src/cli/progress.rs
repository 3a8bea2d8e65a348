//! Progress of a run: a bar on a terminal, plain lines on a pipe.

use super::out;
use super::stop::Stop;
use crate::graph::{Clip, Policy, Schedule};
use crate::report::{EpochRecord, Recovery, RunReport};
use crate::spec::{Spec, TrainSpec};
use crate::train::run::{Observer, Progress};
use crate::train::run_folder::RunFolder;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Prints what a run says.
pub struct Printer {
    stop: Stop,
    bar: Option<ProgressBar>,
    epochs: usize,
    accuracy: Option<f64>,
}

/// A run of many epochs prints about this many lines on a pipe.
const LINES: usize = 50;

impl Printer {
    /// A printer whose run stops when `stop` is asked.
    pub fn new(stop: Stop) -> Printer {
        Printer { stop, bar: None, epochs: 0, accuracy: None }
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
        self.stop.started();
        let device = &report.device;
        let via = match (device.backend.as_str(), device.driver.as_str()) {
            ("", _) => String::new(),
            (backend, "") => format!(", {backend}"),
            (backend, driver) => format!(", {backend}, {driver}"),
        };
        out::say!("device      {}{via} ({})", device.name, device.reason);
        out::say!("network     {}; {} parameters", report.layers.join(", "), out::count(report.parameters));
        out::say!(
            "data        {} training rows, {} validation rows, batches of {}",
            out::count(report.train_rows),
            out::count(report.validation_rows),
            report.batch_size
        );
        if let Some(update) = Spec::parse(&report.spec_toml, "spec.toml").ok().and_then(|spec| update(&spec.train)) {
            out::say!("update      {update}");
        }
        if !report.class_rows.is_empty() {
            let rows = report.class_rows.iter().map(|(_, count)| *count).sum::<usize>().max(1);
            let share = |count: usize| 100.0 * count as f64 / rows as f64;
            first("classes", &report.class_rows, |count| format!("{count} ({:.0} %)", share(*count)));
        }
        if !report.class_weights.is_empty() {
            first("weights", &report.class_weights, |weight| format!("{weight:.4}"));
        }
        if report.data_file_bytes > 0 {
            out::say!(
                "samples     {} in a file without a name in {}, removed at the end (more than data.memory holds)",
                out::bytes(report.data_file_bytes),
                report.data_file_folder
            );
        }
        out::passed_over(report.skipped_rows, &report.skipped);
        out::say!("memory      {} on the device", out::bytes(report.memory_bytes));
        out::say!("run folder  {}", folder.path().display());
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
        if let Some(bar) = &self.bar {
            bar.set_position(p.steps);
            let accuracy = self.accuracy.map(|a| format!("  accuracy {}", out::percent(a))).unwrap_or_default();
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

    fn notice(&mut self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    fn device_lost(&mut self, recovery: &Recovery) {
        self.line(&loss_of_device(recovery));
    }

    fn stop_requested(&self) -> bool {
        self.stop.is_asked()
    }
}

/// Says something of each class, as far as a line goes that a person reads; the report has them all.
fn first<T>(what: &str, classes: &[(String, T)], said: impl Fn(&T) -> String) {
    let each: Vec<String> = classes.iter().take(12).map(|(name, value)| format!("{name} {}", said(value))).collect();
    let more = if classes.len() > 12 { ", ..." } else { "" };
    out::words(&out::printable(&format!("{what}     {}{more}", each.join(", "))));
}

/// What is said of a lost device.
pub fn loss_of_device(recovery: &Recovery) -> String {
    let Recovery { step, from_step, device, message } = recovery;
    format!("warning: {message}, after step {step}; going on from the checkpoint of step {from_step} on {device}")
}

fn epoch_line(record: &EpochRecord, epochs: usize) -> String {
    let mut line = format!("epoch {}/{epochs}  loss {:.6}", record.epoch, record.train_loss);
    line.extend(record.validation_loss.map(|loss| format!("  validation loss {loss:.6}")));
    line.extend(record.validation_accuracy.map(|accuracy| format!("  accuracy {}", out::percent(accuracy))));
    line.push_str(&format!("  {} samples/s", out::count(record.samples_per_second as u64)));
    line
}

/// What a step does with its gradients, where that is more than an optimizer at a constant rate.
fn update(train: &TrainSpec) -> Option<String> {
    let mut parts = vec![format!("{} at lr {}", train.optimizer.name(), train.optimizer.lr())];
    let Schedule { policy, warmup, .. } = train.schedule.schedule;
    if policy != Policy::Constant || warmup > 0 {
        parts.push(format!("schedule {}", policy.name()));
    }
    if let Some(cycle) = train.schedule.schedule.cycle() {
        parts.push(format!("momentum {} to {} and back", cycle.max_momentum, cycle.base_momentum));
    }
    match train.clip {
        Some(Clip::Norm(most)) => parts.push(format!("gradients clipped to norm {most}")),
        Some(Clip::Value(most)) => parts.push(format!("gradients clipped to {most}")),
        None => {}
    }
    if train.accumulate > 1 {
        parts.push(format!("in {} parts of {}", train.accumulate, train.batch_size));
    }
    (parts.len() > 1).then(|| parts.join("; "))
}
