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
}

impl Confusion {
    /// Share of rows on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let total: u64 = self.counts.iter().flatten().sum();
        let right: u64 = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        if total == 0 { f64::NAN } else { right as f64 / total as f64 }
    }
}
