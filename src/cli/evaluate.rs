//! `wgrad eval`

use super::{args, out, samples};
use crate::report::{ClassScores, Confusion, DeviceReport, Metrics};
use crate::train::forward::evaluate_file;
use crate::train::metrics::Measured;
use crate::train::run::device_report;
use crate::train::run_folder::RunFolder;
use serde::Serialize;

#[derive(Serialize)]
struct Result {
    rows: usize,
    #[serde(skip_serializing_if = "is_zero")]
    skipped_rows: usize,
    loss: f64,
    accuracy: Option<f64>,
    #[serde(flatten)]
    metrics: Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<ClassScores>,
    confusion: Option<Confusion>,
    device: DeviceReport,
}

pub fn run(args: args::Eval) -> anyhow::Result<bool> {
    let trained = RunFolder::open(&args.run)?.trained()?;
    let device = args.device.open()?;
    let top_k = args.top_k.map(|k| k as usize);
    let evaluated = pollster::block_on(evaluate_file(&device, &trained, &args.data.file(), top_k))?;
    samples::passed_over(&evaluated.skipped);
    let Measured { confusion, classes, metrics } = evaluated.measured;
    let result = Result {
        rows: evaluated.rows,
        skipped_rows: evaluated.skipped.count(),
        loss: evaluated.loss,
        accuracy: confusion.as_ref().map(Confusion::accuracy),
        metrics,
        classes,
        confusion,
        device: device_report(&device),
    };
    out::words(&format!("device    {} ({})", result.device.name, result.device.reason));
    if let Some(target) = &args.json {
        out::json(target, &result)?;
        return Ok(true);
    }
    out::result(&text(&result))?;
    Ok(true)
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn text(result: &Result) -> String {
    let mut text = format!("rows      {}\nloss      {:.6}", result.rows, result.loss);
    if let Some(accuracy) = result.accuracy {
        text.push_str(&format!("\naccuracy  {:.2} %", 100.0 * accuracy));
    }
    for (name, value, is_share) in result.metrics.named() {
        let value = if is_share { format!("{:.2} %", 100.0 * value) } else { format!("{value:.6}") };
        text.push_str(&format!("\n{name:<17} {value}"));
    }
    if let Some(confusion) = &result.confusion {
        text.push_str(&format!("\n\n{}\n\n{}", per_class(&result.classes), counts(confusion)));
    }
    text
}

/// A line a class.
fn per_class(classes: &[ClassScores]) -> String {
    let width = column(classes.iter().map(|c| c.class.as_str()));
    let mut text =
        format!("{:>width$}{:>9}{:>11}{:>11}{:>11}{:>10}", "class", "rows", "precision", "recall", "F1", "ROC AUC");
    for class in classes {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let area = class.roc_auc.map_or_else(|| "none".to_string(), |area| format!("{area:.4}"));
        text.push_str(&format!(
            "\n{:>width$}{:>9}{:>11}{:>11}{:>11}{area:>10}",
            class.class,
            out::count(class.rows),
            percent(class.precision),
            percent(class.recall),
            percent(class.f1)
        ));
    }
    text
}

fn counts(confusion: &Confusion) -> String {
    let names = &confusion.classes;
    let width = column(names.iter().map(String::as_str));
    let mut text = format!("true \\ predicted\n{:width$}", "");
    names.iter().for_each(|n| text.push_str(&format!("{n:>width$}")));
    for (name, row) in names.iter().zip(&confusion.counts) {
        text.push_str(&format!("\n{name:>width$}"));
        row.iter().for_each(|c| text.push_str(&format!("{c:>width$}")));
    }
    text
}

/// Width of a column that holds all names.
fn column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|n| n.chars().count()).max().unwrap_or(1).max(5) + 2
}
