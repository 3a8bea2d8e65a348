//! What a run says of itself before it has trained.

use super::Job;
use crate::data::{RowTargets, true_class};
use crate::exec::Device;
use crate::report::{DeviceReport, RunReport};
use crate::train::checkpoint::Position;
use crate::train::engine::Engine;
use crate::train::samples::RunData;

/// What the report shows of a device.
pub fn device_report(device: &Device) -> DeviceReport {
    let (backend, driver) = device.backend_driver();
    let tuning = device.tuning().map(|tuning| format!("; tuning {}", tuning.source)).unwrap_or_default();
    DeviceReport {
        kind: device.kind().to_string(),
        name: device.name().to_string(),
        backend,
        driver,
        reason: format!("{}{tuning}", device.reason()),
    }
}

/// The training rows of each class, where targets are classes.
fn class_rows(prepared: &RunData) -> Vec<(String, usize)> {
    let Some(names) = &prepared.preprocessing.schema.classes else { return Vec::new() };
    let mut counts = vec![0usize; names.len()];
    let mut count = |class: usize| counts.get_mut(class).into_iter().for_each(|count| *count += 1);
    match prepared.train.memory().map(|rows| rows.row_targets()) {
        Some(RowTargets::Classes(classes)) => classes.iter().for_each(|class| count(*class as usize)),
        Some(RowTargets::Numbers(values)) => {
            values.chunks_exact(prepared.network.outputs()).for_each(|target| count(true_class(target)));
        }
        // Rows in a file were counted when they were written.
        None => counts = prepared.train.file().map(|file| file.class_rows().to_vec()).unwrap_or_default(),
    }
    names.iter().cloned().zip(counts).collect()
}

/// The weight of each class, where they have some.
fn class_weights(prepared: &RunData) -> Vec<(String, f64)> {
    let names = prepared.preprocessing.schema.classes.iter().flatten();
    names.cloned().zip(prepared.class_weights.iter().copied()).collect()
}

/// The report of a run that has not trained yet; a resumed run keeps the curves of its earlier part.
pub(super) fn first_report(
    job: &Job,
    device: &Device,
    prepared: &RunData,
    engine: &Engine,
    batch: usize,
    position: Position,
    earlier: RunReport,
) -> RunReport {
    let mut report = RunReport {
        version: env!("CARGO_PKG_VERSION").to_string(),
        spec_name: job.spec_name.clone(),
        spec_toml: job.spec.to_toml(),
        device: device_report(device),
        layers: prepared.network.describe(),
        loss: job.spec.train.loss.name().to_string(),
        parameters: prepared.network.parameter_count(),
        memory_bytes: engine.size_bytes(),
        train_rows: prepared.train.rows,
        validation_rows: prepared.validation.as_ref().map_or(0, |v| v.rows),
        data_file_bytes: prepared.file_bytes(),
        data_file_folder: prepared.file_folder(),
        class_rows: class_rows(prepared),
        class_weights: class_weights(prepared),
        skipped_rows: prepared.skipped.count(),
        skipped: prepared.skipped.messages().to_vec(),
        batch_size: batch,
        epochs_planned: job.spec.train.epochs,
        epochs: earlier.epochs,
        first_step: earlier.first_step,
        step_losses: earlier.step_losses,
        step_stride: earlier.step_stride,
        train_seconds: earlier.train_seconds,
        confusion: earlier.confusion,
        classes: earlier.classes,
        shapes: prepared.network.parameters(),
        histograms: earlier.histograms.into_iter().filter(|h| h.step <= position.steps as usize).collect(),
        ..RunReport::default()
    };
    report.forget_losses_after(position.steps as usize);
    report
}
