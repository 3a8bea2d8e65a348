//! `wgrad predict`

use super::{args, out};
use crate::graph::Loss;
use crate::model::weights::write_atomically;
use crate::spec::DataFile;
use crate::train::metrics::predicted_class;
use crate::train::prepare::read_features;
use crate::train::run_folder::{RunFolder, Trained};
use crate::train::{Engine, Roles};

pub fn run(args: args::Predict) -> anyhow::Result<bool> {
    let Trained { preprocessing, network, parameters, .. } = RunFolder::open(&args.run)?.trained()?;
    let schema = &preprocessing.schema;
    let data = read_features(&DataFile::at(&args.data), &preprocessing)?;
    let device = args.device.open()?;
    out::words(&format!("device    {} ({})", device.name(), device.reason()));
    let roles = Roles { predict: Some(data.rows), ..Roles::default() };
    let predictions = pollster::block_on(async {
        let mut engine = Engine::open(&device, &network, roles).await?;
        engine.write_parameters(&parameters)?;
        engine.predict(&data).await
    })?;
    let text = csv_text(&predictions, network.outputs(), network.loss, schema.classes.as_deref(), &schema.target)?;
    match &args.out {
        Some(path) => {
            write_atomically(path, &text)?;
            out::words(&format!("wrote {} rows to {}", data.rows, path.display()));
        }
        None => out::result(&String::from_utf8_lossy(&text))?,
    }
    Ok(true)
}

/// One line a row: the class and the probability of each class, or the numbers under the target columns' names.
fn csv_text(
    predictions: &[f64],
    outputs: usize,
    loss: Loss,
    classes: Option<&[String]>,
    target: &[String],
) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let numbers =
        if target.len() == outputs { target.to_vec() } else { (0..outputs).map(|i| format!("y{i}")).collect() };
    // What the outputs of other losses say of a class is no probability.
    let kind = if gives_probabilities(loss) { "p" } else { "score" };
    let header: Vec<String> = match classes {
        Some(_) if outputs == 1 => vec!["class".into(), "score".into()],
        Some(classes) => std::iter::once("class".to_string())
            .chain((0..outputs).map(|i| format!("{}({})", kind, classes.get(i).map_or("?", String::as_str))))
            .collect(),
        None => numbers,
    };
    writer.write_record(&header)?;
    for row in predictions.chunks(outputs) {
        let mut record = Vec::with_capacity(outputs + 1);
        if let Some(classes) = classes {
            let class = predicted_class(row, loss);
            record.push(classes.get(class).cloned().unwrap_or_else(|| class.to_string()));
        }
        record.extend(probabilities(row, loss).iter().map(|v| format!("{v}")));
        writer.write_record(&record)?;
    }
    Ok(writer.into_inner()?)
}

/// True where [`probabilities`] gives numbers from 0 to 1 that the loss takes for probabilities.
fn gives_probabilities(loss: Loss) -> bool {
    matches!(loss, Loss::CrossEntropy | Loss::BceWithLogits | Loss::BinaryCrossEntropy)
}

/// Probabilities where the outputs are logits, else the outputs as they are.
fn probabilities(row: &[f64], loss: Loss) -> Vec<f64> {
    match loss {
        Loss::CrossEntropy => {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let e: Vec<f64> = row.iter().map(|z| (z - max).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.iter().map(|v| v / sum).collect()
        }
        Loss::BceWithLogits => row.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect(),
        _ => row.to_vec(),
    }
}
