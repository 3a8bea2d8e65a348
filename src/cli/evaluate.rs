//! `wgrad eval`

use super::{args, out};
use crate::report::{Confusion, DeviceReport};
use crate::train::forward::evaluate_file;
use crate::train::run::device_report;
use crate::train::run_folder::RunFolder;
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
    let trained = RunFolder::open(&args.run)?.trained()?;
    let device = args.device.open()?;
    let evaluated = pollster::block_on(evaluate_file(&device, &trained, &args.data.file()))?;
    let result = Result {
        rows: evaluated.rows,
        loss: evaluated.loss,
        accuracy: evaluated.confusion.as_ref().map(Confusion::accuracy),
        confusion: evaluated.confusion,
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
