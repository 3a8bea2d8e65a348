//! `wgrad eval`

use super::{args, out};
use crate::report::{Confusion, DeviceReport};
use crate::train::metrics::confusion;
use crate::train::prepare::read_like;
use crate::train::run::device_report;
use crate::train::run_folder::{RunFolder, Trained};
use crate::train::{Engine, Roles};
use serde::Serialize;

#[derive(Serialize)]
struct Result {
    rows: usize,
    loss: f64,
    accuracy: Option<f64>,
    confusion: Option<Confusion>,
    device: DeviceReport,
}

pub fn run(args: args::Eval) -> anyhow::Result<bool> {
    let Trained { spec, preprocessing, network, parameters } = RunFolder::open(&args.run)?.trained()?;
    let data = read_like(&args.data.file(), &spec, &preprocessing)?;
    let device = args.device.open()?;
    let roles = Roles { evaluate: Some(data.rows), ..Roles::default() };
    let evaluation = pollster::block_on(async {
        let mut engine = Engine::open(&device, &network, roles).await?;
        engine.write_parameters(&parameters)?;
        engine.set_evaluation_data(&data)?;
        engine.evaluate().await
    })?;
    let classes = preprocessing.schema.classes.as_deref();
    let confusion = confusion(&evaluation.predictions, &data.targets, classes, network.outputs(), network.loss);
    let result = Result {
        rows: data.rows,
        loss: evaluation.loss,
        accuracy: confusion.as_ref().map(Confusion::accuracy),
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

fn text(result: &Result) -> String {
    let mut text = format!("rows      {}\nloss      {:.6}", result.rows, result.loss);
    let (Some(accuracy), Some(confusion)) = (result.accuracy, &result.confusion) else { return text };
    text.push_str(&format!("\naccuracy  {:.2} %\n\ntrue \\ predicted", 100.0 * accuracy));
    let names = &confusion.classes;
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(1).max(5) + 2;
    text.push_str(&format!("\n{:width$}", ""));
    names.iter().for_each(|n| text.push_str(&format!("{n:>width$}")));
    for (name, row) in names.iter().zip(&confusion.counts) {
        text.push_str(&format!("\n{name:>width$}"));
        row.iter().for_each(|c| text.push_str(&format!("{c:>width$}")));
    }
    text
}
