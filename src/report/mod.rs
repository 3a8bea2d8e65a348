//! Plain data about a finished run: what the run folder, the terminal and the HTML page show.

pub mod compare;
pub mod html;
mod metrics;
mod portrait;

pub(crate) use portrait::ends;

pub use metrics::{ClassScores, Metrics, Monitor, TopK};
pub use portrait::{
    EpochHistograms, Histogram, KernelTime, Misread, Picture, Portrait, Reconstruction, Surface, SurfacePoint,
    TensorHistogram,
};

use serde::{Deserialize, Serialize};

/// A training run, complete or interrupted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Version of wgrad that wrote it.
    pub version: String,
    /// Name of the spec file, without folders.
    pub spec_name: String,
    /// The spec as resolved, TOML.
    pub spec_toml: String,
    /// The device and why it was chosen.
    pub device: DeviceReport,
    /// The network, a line a layer: "64 -> 32 sigmoid".
    pub layers: Vec<String>,
    /// Name of the loss.
    pub loss: String,
    /// Trainable numbers.
    pub parameters: usize,
    /// Device memory of the training plan, in bytes.
    pub memory_bytes: u64,
    /// Rows used for training and for validation.
    pub train_rows: usize,
    /// Rows used for validation; 0 for none.
    pub validation_rows: usize,
    /// Bytes of samples that lie in a file, because memory does not hold them; 0 for none.
    #[serde(default)]
    pub data_file_bytes: u64,
    /// The folder of that file.
    #[serde(default)]
    pub data_file_folder: String,
    /// The classes and their training rows; empty where targets are numbers, or where samples lie in a file.
    #[serde(default)]
    pub class_rows: Vec<(String, usize)>,
    /// How much the training rows of each class count, where not all count alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_weights: Vec<(String, f64)>,
    /// Rows that were passed over: malformed ones, and those with a missing value where the spec says so.
    #[serde(default)]
    pub skipped_rows: usize,
    /// Where the first of them are, and what is wrong with them.
    #[serde(default)]
    pub skipped: Vec<String>,
    /// Samples a step.
    pub batch_size: usize,
    /// Epochs asked for.
    pub epochs_planned: usize,
    /// How the run ended.
    pub outcome: Outcome,
    /// One entry an epoch.
    pub epochs: Vec<EpochRecord>,
    /// SHA-256 of the parameters' names, shapes and bits.
    #[serde(default)]
    pub digest: String,
    /// Training loss of the steps (of this process, from `first_step` on), of every `step_stride`-th of them.
    pub step_losses: Vec<f32>,
    /// Which steps are kept: a long run would else fill the memory. 0 and 1 mean every step.
    #[serde(default)]
    pub step_stride: usize,
    /// Number of the first step in `step_losses`; more than 0 after a resume.
    pub first_step: usize,
    /// Confusion matrix on the validation rows, for classes.
    pub confusion: Option<Confusion>,
    /// Each class on the validation rows, in the order of the matrix.
    #[serde(default)]
    pub classes: Vec<ClassScores>,
    /// Names and shapes of the parameters, in order.
    #[serde(default)]
    pub shapes: Vec<(String, Vec<usize>)>,
    /// Distributions of parameters and gradients at the ends of some epochs.
    #[serde(default)]
    pub histograms: Vec<EpochHistograms>,
    /// Times of the dispatches of a train step, in their order, where they were taken.
    #[serde(default)]
    pub kernels: Vec<KernelTime>,
    /// Pictures of the trained network.
    #[serde(default)]
    pub portrait: Portrait,
    /// What early stopping did.
    pub stopping: Option<Stopping>,
    /// Proof of what the scheduler did.
    pub counters: Counters,
    /// Where the time of this process went.
    #[serde(default)]
    pub times: Times,
    /// Losses of the device that the run went on from.
    #[serde(default)]
    pub recoveries: Vec<Recovery>,
    /// Wall time of the training part, in seconds (start of the first step to the end of the last read-back).
    pub train_seconds: f64,
}

/// Losses of steps that a report keeps at most: many times what a chart can show.
const MAX_STEP_LOSSES: usize = 1 << 16;

impl RunReport {
    /// Number of the step, from 1, whose loss is entry `i` of `step_losses`.
    pub fn step_of(&self, i: usize) -> usize {
        // A report may come from a file, which may say anything.
        i.saturating_mul(self.step_stride.max(1)).saturating_add(self.first_step).saturating_add(1)
    }

    /// Number of the last step whose loss is kept.
    pub fn last_step(&self) -> usize {
        self.step_losses.len().checked_sub(1).map_or(self.first_step, |i| self.step_of(i))
    }

    /// The first epoch with the least finite value, and the value.
    pub(crate) fn least(&self, of: impl Fn(&EpochRecord) -> Option<f64>) -> Option<(usize, f64)> {
        let values = self.epochs.iter().filter_map(|e| Some((e.epoch, of(e)?)));
        values.filter(|(_, v)| v.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Takes in the losses of the steps after the first `done` of the run.
    pub fn add_losses(&mut self, done: usize, losses: &[f64]) {
        for (step, loss) in (done..).zip(losses) {
            if (step - self.first_step).is_multiple_of(self.step_stride.max(1)) {
                self.step_losses.push(*loss as f32);
            }
            if self.step_losses.len() > MAX_STEP_LOSSES {
                self.step_stride = self.step_stride.max(1).saturating_mul(2);
                self.step_losses = self.step_losses.iter().copied().step_by(2).collect();
            }
        }
    }

    /// Forgets the losses of steps after the first `done`, from which the run goes on. Where losses before that are
    /// missing, because a part of the run was killed and left no report, the curve starts anew rather than with a gap.
    pub fn forget_losses_after(&mut self, done: usize) {
        let wanted = done.saturating_sub(self.first_step).div_ceil(self.step_stride.max(1));
        if self.step_losses.len() < wanted {
            self.step_losses.clear();
        }
        self.step_losses.truncate(wanted);
        if self.step_losses.is_empty() {
            (self.first_step, self.step_stride) = (done, 1);
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All epochs done.
    #[default]
    Finished,
    /// Stopped by Ctrl-C or a signal.
    Interrupted,
    /// Stopped by a loss that is no finite number; the text says where.
    Failed(String),
}

/// What early stopping did in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    /// What it watched.
    pub monitor: Monitor,
    /// Validations without a better value that end a run.
    pub patience: usize,
    /// Whether it ended the run.
    pub stopped: bool,
    /// The epoch of the best value, from 1; `None` where the value was never defined.
    pub best_epoch: Option<usize>,
    /// That value.
    pub best_value: Option<f64>,
    /// Whether the run's model is that of the best epoch, not of the last.
    pub restored: bool,
}

/// A device that was lost, and how the run went on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Steps that the run had done, as far as it knew.
    pub step: u64,
    /// Steps of the checkpoint from which it went on.
    pub from_step: u64,
    /// The device on which it went on.
    pub device: String,
    /// What was said of the loss.
    pub message: String,
}

/// The device of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// `cpu` or `gpu`.
    pub kind: String,
    /// Adapter name, or the processor path.
    pub name: String,
    /// Vulkan, Metal, ...; empty on the CPU.
    pub backend: String,
    /// Driver and its version; empty on the CPU.
    pub driver: String,
    /// Why this device: "no GPU found", "asked for by its name", ...
    pub reason: String,
}

/// One epoch. Losses are means over samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Steps done so far.
    pub step: usize,
    /// Mean training loss over the epoch's steps.
    pub train_loss: f64,
    /// Loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// Share of validation rows classified right, for classes.
    pub validation_accuracy: Option<f64>,
    /// Other metrics on the validation rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Learning rate of the epoch's last step; `None` in records of earlier versions.
    pub lr: Option<f64>,
    /// Wall time of the epoch's training steps, in seconds.
    pub seconds: f64,
    /// Training samples a second of that time.
    pub samples_per_second: f64,
}

/// Counts of validation rows by true class (row) and predicted class (column).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Class names, in index order.
    pub classes: Vec<String>,
    /// `counts[true][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

/// What the scheduler did, summed over the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Steps of any plan: training, evaluation.
    pub steps: u64,
    /// Command buffers submitted (0 on the CPU).
    pub submits: u64,
    /// Dispatches executed.
    pub dispatches: u64,
    /// Read-backs from the device.
    pub read_backs: u64,
    /// Bytes host to device.
    pub bytes_up: u64,
    /// Bytes device to host.
    pub bytes_down: u64,
    /// Host time spent in encoding and submitting, in nanoseconds.
    pub host_ns: u64,
    /// Of that, inside the driver's submit call: a software adapter does its work there.
    pub submit_ns: u64,
    /// Host time spent in filling and uploading tables and streamed samples, in nanoseconds.
    pub tables_ns: u64,
    /// Time in which the device was given nothing to do because samples were not ready, in nanoseconds. What it had been given
    /// before may have kept it busy for a part of that.
    #[serde(default)]
    pub data_ns: u64,
    /// Host time spent in waiting for the device, in nanoseconds.
    pub wait_ns: u64,
    /// Time in which the device had work (on the CPU: computed), in nanoseconds; it overlaps the host's.
    pub device_ns: u64,
}

impl Stopping {
    /// What it did, in words.
    pub fn sentence(&self) -> String {
        let monitor = self.monitor.name();
        let best = match (self.best_epoch, self.best_value) {
            (Some(epoch), Some(value)) => format!("best {monitor} {value:.6} in epoch {epoch}"),
            _ => format!("{monitor} was never defined"),
        };
        let ended =
            if self.stopped { format!(", no better one in {} validations", self.patience) } else { String::new() };
        let model = if self.restored { "; the model is that epoch's" } else { "" };
        format!("{best}{ended}{model}")
    }
}

impl Counters {
    /// Every counter.
    fn each(&mut self) -> [&mut u64; 12] {
        // Taken apart, so that a new counter cannot be forgotten here.
        let Counters {
            steps,
            submits,
            dispatches,
            read_backs,
            bytes_up,
            bytes_down,
            host_ns,
            submit_ns,
            tables_ns,
            data_ns,
            wait_ns,
            device_ns,
        } = self;
        [
            steps, submits, dispatches, read_backs, bytes_up, bytes_down, host_ns, submit_ns, tables_ns, data_ns,
            wait_ns, device_ns,
        ]
    }
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, mut other: Counters) {
        self.each().into_iter().zip(other.each()).for_each(|(sum, n)| *sum += *n);
    }
}

/// Where the wall time of a run's epochs went, in seconds. Each part is measured by itself; what their sum leaves of the
/// wall time is shown as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// From the start of the first epoch to the last checkpoint.
    pub wall: f64,
    /// Drawing the order of the samples.
    pub shuffle: f64,
    /// Filling and uploading tables, and samples that stream.
    pub tables: f64,
    /// Waiting for samples that were not ready: the device had nothing to do, or only what was left of it.
    #[serde(default)]
    pub data: f64,
    /// Encoding command buffers; on the CPU nothing.
    pub encode: f64,
    /// Inside the driver's submit call.
    pub submit: f64,
    /// Waiting for the device; on the CPU, computing.
    pub device: f64,
    /// Taking in the losses and showing progress.
    pub losses: f64,
    /// Evaluation at the ends of epochs.
    pub evaluate: f64,
    /// Metrics and checkpoints to disk, parameters read back for them.
    pub save: f64,
}

impl Times {
    /// The parts with their names, in the order in which they happen.
    pub fn parts(&self) -> [(&'static str, f64); 9] {
        [
            ("shuffle", self.shuffle),
            ("tables", self.tables),
            ("data", self.data),
            ("encode", self.encode),
            ("submit", self.submit),
            ("device", self.device),
            ("losses", self.losses),
            ("evaluate", self.evaluate),
            ("save", self.save),
        ]
    }

    /// What the parts leave of the wall time.
    pub fn unaccounted(&self) -> f64 {
        self.wall - self.parts().iter().map(|(_, seconds)| seconds).sum::<f64>()
    }
}

impl Confusion {
    /// Share of rows on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let total: u64 = self.counts.iter().flatten().sum();
        let right: u64 = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        if total == 0 { f64::NAN } else { right as f64 / total as f64 }
    }
}
