//! What the dashboard shows, gathered from what the run tells.

use crate::cli::out;
use crate::report::{EpochRecord, RunReport, Times};
use crate::train::run::Progress;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

/// Points of a curve at most: several times the columns of a wide terminal. Twice as many are thinned to this.
const POINTS: usize = 1024;
/// Rates kept for the small chart.
const RATES: usize = 240;
/// Messages kept.
const MESSAGES: usize = 200;

/// A curve over the steps.
#[derive(Debug, Default, Clone)]
pub struct Curve {
    /// Steps and values, by rising step.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.points.push((step as f64, value));
        if self.points.len() >= 2 * POINTS {
            // Means of neighbours: a curve of every second point would show other noise than there is.
            self.points = self
                .points
                .chunks(2)
                .map(|pair| {
                    let mean = pair.iter().map(|p| p.1).sum::<f64>() / pair.len() as f64;
                    (pair[pair.len() - 1].0, mean)
                })
                .collect();
        }
    }

    /// Smallest and largest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        let values = self.points.iter().map(|p| p.1);
        values.fold(None, |range, v| Some(range.map_or((v, v), |(low, high): (f64, f64)| (low.min(v), high.max(v)))))
    }
}

/// A line of the messages, and whether it is said again when the dashboard is gone.
#[derive(Debug)]
struct Message {
    text: String,
    lasting: bool,
}

/// What is shown.
#[derive(Debug)]
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
    /// Where the time went up to the last piece of the run.
    pub times: Times,
    messages: VecDeque<Message>,
    /// Step and time of this process's first progress.
    first: Option<(u64, Instant)>,
}

impl State {
    /// Nothing is known yet but the name.
    pub fn new(title: &str) -> State {
        State {
            title: title.to_owned(),
            facts: Vec::new(),
            loss: Curve::default(),
            validation: Curve::default(),
            last: None,
            progress: None,
            epochs: 0,
            rates: VecDeque::new(),
            times: Times::default(),
            messages: VecDeque::from([Message { text: "reading the data".into(), lasting: false }]),
            first: None,
        }
    }

    /// The run has an engine and a folder.
    pub fn started(&mut self, report: &RunReport, folder: &Path) {
        self.epochs = report.epochs_planned;
        let rows = |n: usize| out::count(n as u64);
        self.facts = vec![
            ("device", report.device.name.clone()),
            ("network", report.layers.join(", ")),
            ("parameters", out::count(report.parameters as u64)),
            ("data", format!("{} rows, {} validation", rows(report.train_rows), rows(report.validation_rows))),
            ("batch", rows(report.batch_size)),
            ("memory", format!("{} on the device", out::bytes(report.memory_bytes))),
            ("folder", folder.display().to_string()),
        ];
        for epoch in &report.epochs {
            self.epoch(epoch);
        }
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
        self.times = progress.times;
        self.progress = Some(*progress);
    }

    /// An epoch is done.
    pub fn epoch(&mut self, record: &EpochRecord) {
        if let Some(loss) = record.validation_loss {
            self.validation.push(record.step as u64, loss);
        }
        self.last = Some(record.clone());
    }

    /// A checkpoint is on the disk.
    pub fn checkpoint(&mut self, steps: u64) {
        self.passing(&format!("checkpoint of step {}", out::count(steps)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends_and_its_mean() {
        let mut curve = Curve::default();
        let steps = 10 * POINTS as u64;
        (1..=steps).for_each(|step| curve.push(step, if step % 2 == 0 { 1.0 } else { 3.0 }));
        assert!(curve.points.len() < 2 * POINTS, "{}", curve.points.len());
        assert!(curve.points.windows(2).all(|w| w[0].0 < w[1].0));
        assert_eq!(curve.points.last().unwrap().0, steps as f64);
        assert_eq!(curve.points[0].1, 2.0, "the mean of neighbours");
        curve.push(steps + 1, f64::NAN);
        assert_eq!(curve.points.last().unwrap().0, steps as f64, "what is no number has no place on a chart");
    }

    #[test]
    fn messages_that_must_be_said_again_are_not_pushed_out() {
        let mut state = State::new("t");
        state.lasting("note: \u{1b}[2Jdevice".into());
        (0..2 * MESSAGES).for_each(|i| state.passing(&i.to_string()));
        assert_eq!(state.lasting_messages().collect::<Vec<_>>(), ["note: \\u{1b}[2Jdevice"]);
        assert_eq!(state.messages(2).collect::<Vec<_>>(), ["398", "399"]);
    }
}
