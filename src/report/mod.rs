//! Plain data about a finished run: what the run folder, the terminal and the HTML page show.

pub mod html;

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
    /// Samples a step.
    pub batch_size: usize,
    /// Epochs asked for.
    pub epochs_planned: usize,
    /// How the run ended.
    pub outcome: Outcome,
    /// One entry an epoch.
    pub epochs: Vec<EpochRecord>,
    /// Training loss of every step (of this process, from `first_step` on).
    pub step_losses: Vec<f32>,
    /// Number of the first step in `step_losses`; more than 0 after a resume.
    pub first_step: usize,
    /// Confusion matrix on the validation rows, for classes.
    pub confusion: Option<Confusion>,
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
    /// Why this device: "no GPU found", "asked for by --adapter", ...
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
    /// Host time spent in waiting for the device, in nanoseconds.
    pub wait_ns: u64,
    /// Time in which the device had work (on the CPU: computed), in nanoseconds; it overlaps the host's.
    pub device_ns: u64,
}

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, other: Counters) {
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
            wait_ns,
            device_ns,
        } = other;
        self.steps += steps;
        self.submits += submits;
        self.dispatches += dispatches;
        self.read_backs += read_backs;
        self.bytes_up += bytes_up;
        self.bytes_down += bytes_down;
        self.host_ns += host_ns;
        self.submit_ns += submit_ns;
        self.tables_ns += tables_ns;
        self.wait_ns += wait_ns;
        self.device_ns += device_ns;
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
    pub fn parts(&self) -> [(&'static str, f64); 8] {
        [
            ("shuffle", self.shuffle),
            ("tables", self.tables),
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
