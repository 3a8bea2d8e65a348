//! `wgrad eval` and `wgrad predict`: what a trained run makes of a file.

use super::{args, out, samples};
use crate::data::pictures::Folder;
use crate::error::Error;
use crate::exec::Device;
use crate::graph::Loss;
use crate::kernels::loss::Output;
use crate::nn::Network;
use crate::nn::disk::{SystemDisk, replace_with};
use crate::report::{ClassScores, Confusion, DeviceReport, Metrics};
use crate::spec::DataFile;
use crate::train::forward::{evaluate_file, predict_file};
use crate::train::metrics::{Measures, predicted_class, probabilities};
use crate::train::run::device_report;
use crate::train::run_folder::{RunFolder, Trained};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// What `wgrad eval --json` prints.
#[derive(Serialize)]
struct Evaluation {
    rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_rows: Option<usize>,
    loss: f64,
    accuracy: Option<f64>,
    #[serde(flatten)]
    metrics: Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<ClassScores>,
    confusion: Option<Confusion>,
    device: DeviceReport,
}

/// `wgrad eval`
pub fn evaluate(args: args::Eval) -> anyhow::Result<()> {
    let trained = RunFolder::open(&args.run)?.trained()?;
    let device = args.device.open()?;
    let top_k = args.top_k.map(|k| k as usize);
    let evaluated = pollster::block_on(evaluate_file(&device, &trained, &args.data.file(), top_k))?;
    samples::passed_over(&evaluated.skipped);
    let Measures { confusion, classes, metrics } = evaluated.measured;
    let result = Evaluation {
        rows: evaluated.rows,
        skipped_rows: Some(evaluated.skipped.count()).filter(|count| *count > 0),
        loss: evaluated.loss,
        accuracy: confusion.as_ref().map(Confusion::accuracy),
        metrics,
        classes,
        confusion,
        device: device_report(&device),
    };
    out::device(&device);
    out::json_or_text(&args.json, &result, || text(&result))
}

/// The same for people.
fn text(result: &Evaluation) -> String {
    let mut text = format!("rows      {}\nloss      {:.6}", result.rows, result.loss);
    text.extend(result.accuracy.map(|accuracy| format!("\naccuracy  {}", out::percent(accuracy))));
    for (name, value, is_share) in result.metrics.named() {
        text.push_str(&format!("\n{name:<17} {}", out::metric(value, is_share)));
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
        let area = class.roc_auc.map_or_else(|| "none".to_string(), |area| format!("{area:.4}"));
        text.push_str(&format!(
            "\n{:>width$}{:>9}{:>11}{:>11}{:>11}{area:>10}",
            class.class,
            out::count(class.rows),
            out::percent(class.precision),
            out::percent(class.recall),
            out::percent(class.f1)
        ));
    }
    text
}

/// The confusion matrix.
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

/// `wgrad predict`
pub fn predict(args: args::Predict) -> anyhow::Result<()> {
    let trained = RunFolder::open(&args.run)?.trained()?;
    let device = args.device.open()?;
    out::device(&device);
    let Some(path) = &args.out else {
        let failed = |e| anyhow::Error::new(e).context("the predictions could not be written to stdout");
        return write_predictions(&device, &trained, &args.data, &mut std::io::stdout().lock(), &failed).map(drop);
    };
    let mut rows = Ok(0);
    let mut write = |file: &mut dyn Write| {
        rows = write_predictions(&device, &trained, &args.data, file, &|e| Error::io(path, e).into());
        // The file is not to appear where there is no row count; the cause is told below.
        if rows.is_ok() { Ok(()) } else { Err(std::io::Error::other("no predictions")) }
    };
    let written = replace_with(&SystemDisk, path, &mut write);
    let rows = rows?;
    written?;
    out::say!("wrote {rows} rows to {}", path.display());
    Ok(())
}

/// Writes a header and a line for each row of the file; returns the number of rows. `failed` says what could not be written.
fn write_predictions(
    device: &Device,
    trained: &Trained,
    data: &Path,
    to: &mut dyn Write,
    failed: &dyn Fn(std::io::Error) -> anyhow::Error,
) -> anyhow::Result<usize> {
    let (network, schema) = (&trained.network, &trained.preprocessing.schema);
    let classes = schema.classes.as_deref();
    // A picture is known by its file; rows of a file have their order.
    let pictures = if data.is_dir() { Some(Folder::open(data)?) } else { None };
    let mut row = 0;
    let mut writer = csv::Writer::from_writer(to);
    let mut failure = None;
    let mut take = |predictions: &[f64]| {
        let mut write = || -> csv::Result<()> {
            if row == 0 {
                let first = pictures.iter().map(|_| "file".to_owned());
                writer.write_record(first.chain(header(network, classes, &schema.target)))?;
            }
            predictions.chunks(network.outputs()).try_for_each(|outputs| {
                let name = pictures.as_ref().map(|folder| folder.name(row));
                row += 1;
                writer.write_record(name.into_iter().chain(record(outputs, network.loss, classes)))?;
                Ok(())
            })
        };
        write().map_err(|e| {
            failure = Some(e);
            Error::Internal("predictions were not written".into())
        })
    };
    let rows = pollster::block_on(predict_file(device, trained, &DataFile::at(data), &mut take));
    if let Some(failure) = failure {
        return Err(match failure.into_kind() {
            csv::ErrorKind::Io(e) => failed(e),
            other => failed(std::io::Error::other(format!("{other:?}"))),
        });
    }
    let rows = rows?;
    writer.flush().map_err(failed)?;
    Ok(rows)
}

/// The class and the probability of each class, or the numbers under the target columns' names.
fn header(network: &Network, classes: Option<&[String]>, target: &[String]) -> Vec<String> {
    let outputs = network.outputs();
    // What the outputs of other losses say of a class is no probability, even where it lies between 0 and 1.
    let kind = match network.loss.output() {
        Output::ClassLogit | Output::Logit | Output::Probability => "p",
        _ => "score",
    };
    match classes {
        Some(_) if outputs == 1 => vec!["class".into(), "score".into()],
        Some(classes) => std::iter::once("class".to_string())
            .chain((0..outputs).map(|i| format!("{kind}({})", classes.get(i).map_or("?", String::as_str))))
            .collect(),
        None if target.len() == outputs => target.to_vec(),
        None => (0..outputs).map(|i| format!("y{i}")).collect(),
    }
}

/// A line of the predictions: the class where there are classes, then the numbers.
fn record(row: &[f64], loss: Loss, classes: Option<&[String]>) -> Vec<String> {
    let mut record = Vec::with_capacity(row.len() + 1);
    if let Some(classes) = classes {
        let class = predicted_class(row, loss);
        record.push(classes.get(class).cloned().unwrap_or_else(|| class.to_string()));
    }
    record.extend(probabilities(row, loss).iter().map(|v| format!("{v}")));
    record
}
