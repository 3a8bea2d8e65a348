//! What the dashboard shows, gathered from what the run tells.

use crate::cli::out;
use crate::report::{EpochRecord, RunReport, ends};
use crate::train::run::Progress;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

/// Points of a curve at most: several times the columns of a wide terminal. Twice as many are thinned to this.
pub const POINTS: usize = 1024;
/// Rates kept for the small chart.
const RATES: usize = 240;
/// Messages kept.
pub const MESSAGES: usize = 200;

/// A curve over the steps.
#[derive(Debug, Default, Clone)]
pub struct Curve {
    /// Steps and values, by rising step.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// Adds a point; what is no number has no place on a chart.
    pub fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.points.push((step as f64, value));
        if self.points.len() >= 2 * POINTS {
            // Means of neighbours: a curve of every second point would show other noise than there is.
            let mean = |pair: &[(f64, f64)]| {
                (pair[pair.len() - 1].0, pair.iter().map(|p| p.1).sum::<f64>() / pair.len() as f64)
            };
            self.points = self.points.chunks(2).map(mean).collect();
        }
    }

    /// Smallest and largest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        ends(self.points.iter().map(|p| p.1))
    }
}

/// A line of the messages, and whether it is said again when the dashboard is gone.
#[derive(Debug)]
struct Message {
    text: String,
    lasting: bool,
}

/// What is shown.
#[derive(Debug, Default)]
pub struct State {
    /// The spec or the run.
    pub title: String,
    /// Lines about device, network and data, with their names.
    pub facts: Vec<(&'static str, String)>,
    /// Loss of the steps.
    pub loss: Curve,
    /// Loss on the validation rows.
    pub validation: Curve,
    /// The last epoch's record.
    pub last: Option<EpochRecord>,
    /// Where the run stands.
    pub progress: Option<Progress>,
    /// Epochs of the whole run.
    pub epochs: usize,
    /// Samples a second, oldest first.
    pub rates: VecDeque<u64>,
    messages: VecDeque<Message>,
    /// Step and time of this process's first progress.
    first: Option<(u64, Instant)>,
}

impl State {
    /// Nothing is known yet but the name.
    pub fn new(title: &str) -> State {
        State {
            title: title.to_owned(),
            messages: VecDeque::from([Message { text: "reading the data".into(), lasting: false }]),
            ..State::default()
        }
    }

    /// The run has an engine and a folder.
    pub fn started(&mut self, report: &RunReport, folder: &Path) {
        self.epochs = report.epochs_planned;
        self.facts = vec![
            ("device", report.device.name.clone()),
            ("network", report.layers.join(", ")),
            ("parameters", out::count(report.parameters)),
            (
                "data",
                format!("{} rows, {} validation", out::count(report.train_rows), out::count(report.validation_rows)),
            ),
            ("batch", out::count(report.batch_size)),
            ("memory", format!("{} on the device", out::bytes(report.memory_bytes))),
            ("folder", folder.display().to_string()),
        ];
        report.epochs.iter().for_each(|epoch| self.epoch(epoch));
        self.passing("training");
    }

    /// Some steps are done.
    pub fn progress(&mut self, progress: &Progress) {
        self.first.get_or_insert((progress.steps, Instant::now()));
        self.loss.push(progress.steps, progress.loss);
        if self.rates.len() == RATES {
            self.rates.pop_front();
        }
        self.rates.push_back(progress.samples_per_second as u64);
        self.progress = Some(*progress);
    }

    /// An epoch is done.
    pub fn epoch(&mut self, record: &EpochRecord) {
        if let Some(loss) = record.validation_loss {
            self.validation.push(record.step as u64, loss);
        }
        self.last = Some(record.clone());
    }

    /// Adds a message that only matters now.
    pub fn passing(&mut self, text: &str) {
        self.message(text.to_owned(), false);
    }

    /// Adds a message that is said again at the end.
    pub fn lasting(&mut self, text: String) {
        self.message(text, true);
    }

    fn message(&mut self, text: String, lasting: bool) {
        if self.messages.len() == MESSAGES {
            // What must be said again stays; of the rest the oldest goes.
            let oldest = self.messages.iter().position(|m| !m.lasting).unwrap_or(0);
            self.messages.remove(oldest);
        }
        self.messages.push_back(Message { text: out::printable(&text), lasting });
    }

    /// The newest messages, newest last.
    pub fn messages(&self, count: usize) -> impl Iterator<Item = &str> {
        self.messages.iter().skip(self.messages.len().saturating_sub(count)).map(|m| m.text.as_str())
    }

    /// What is said again when the dashboard is gone.
    pub fn lasting_messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().filter(|m| m.lasting).map(|m| m.text.as_str())
    }

    /// Share of the run's steps that are done.
    pub fn share(&self) -> f64 {
        self.progress.map_or(0.0, |p| p.steps as f64 / p.total_steps.max(1) as f64).clamp(0.0, 1.0)
    }

    /// Seconds to the end at the pace so far.
    pub fn seconds_left(&self) -> Option<f64> {
        let (progress, (step, since)) = (self.progress?, self.first?);
        let done = progress.steps.checked_sub(step).filter(|done| *done > 0)?;
        Some(since.elapsed().as_secs_f64() / done as f64 * progress.total_steps.saturating_sub(progress.steps) as f64)
    }
}
