//! `wgrad predict`

use super::{args, out};
use crate::data::pictures::Folder;
use crate::error::Error;
use crate::exec::Device;
use crate::graph::Loss;
use crate::kernels::loss::Output;
use crate::model::Network;
use crate::model::disk::{SystemDisk, replace_with};
use crate::spec::DataFile;
use crate::train::forward::predict_file;
use crate::train::metrics::{predicted_class, probabilities};
use crate::train::run_folder::{RunFolder, Trained};
use std::io::Write;
use std::path::Path;

pub fn run(args: args::Predict) -> anyhow::Result<bool> {
    let trained = RunFolder::open(&args.run)?.trained()?;
    let device = args.device.open()?;
    out::words(&format!("device    {} ({})", device.name(), device.reason()));
    let rows = match &args.out {
        Some(path) => {
            let mut rows = Ok(0);
            let mut write = |file: &mut dyn Write| {
                rows = predict(&device, &trained, &args.data, file, &|e| Error::io(path, e).into());
                match &rows {
                    Ok(_) => Ok(()),
                    // The file is not to appear; the cause is told below.
                    Err(_) => Err(std::io::Error::other("no predictions")),
                }
            };
            let written = replace_with(&SystemDisk, path, &mut write);
            let rows = rows?;
            written?;
            out::words(&format!("wrote {rows} rows to {}", path.display()));
            return Ok(true);
        }
        None => {
            let failed = |e| anyhow::Error::new(e).context("the predictions could not be written to stdout");
            predict(&device, &trained, &args.data, &mut std::io::stdout().lock(), &failed)
        }
    };
    rows.map(|_| true)
}

/// Writes a header and a line for each row of the file; returns the number of rows. `failed` says what could not be written.
fn predict(
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
    let mut started = false;
    let mut take = |predictions: &[f64]| {
        let mut write = || -> csv::Result<()> {
            if !std::mem::replace(&mut started, true) {
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
    // What the outputs of other losses say of a class is no probability.
    let kind = if gives_probabilities(network.loss) { "p" } else { "score" };
    match classes {
        Some(_) if outputs == 1 => vec!["class".into(), "score".into()],
        Some(classes) => std::iter::once("class".to_string())
            .chain((0..outputs).map(|i| format!("{kind}({})", classes.get(i).map_or("?", String::as_str))))
            .collect(),
        None if target.len() == outputs => target.to_vec(),
        None => (0..outputs).map(|i| format!("y{i}")).collect(),
    }
}

fn record(row: &[f64], loss: Loss, classes: Option<&[String]>) -> Vec<String> {
    let mut record = Vec::with_capacity(row.len() + 1);
    if let Some(classes) = classes {
        let class = predicted_class(row, loss);
        record.push(classes.get(class).cloned().unwrap_or_else(|| class.to_string()));
    }
    record.extend(probabilities(row, loss).iter().map(|v| format!("{v}")));
    record
}

/// True where `probabilities` gives numbers from 0 to 1 that the loss takes for probabilities.
fn gives_probabilities(loss: Loss) -> bool {
    matches!(loss.output(), Output::ClassLogit | Output::Logit | Output::Probability)
}
