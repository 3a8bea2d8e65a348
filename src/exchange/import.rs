//! A network of another program as a run: `eval`, `predict` and `verify` take it, and its weights start a training.

use super::onnx::export::Constants;
use super::onnx::{self, Found, FoundLayer};
use super::pytorch;
use crate::data::{Scaler, Schema};
use crate::error::{Error, Remedy, Result};
use crate::graph::{Activation, Loss};
use crate::kernels::loss::Output;
use crate::nn::disk::SystemDisk;
use crate::nn::weights::{self, Precision};
use crate::nn::{Dense, Layer, Network, Tensor, digest};
use crate::spec::{Spec, write};
use crate::train::record::RunRecord;
use crate::train::run_folder::{Preprocessing, RunFolder, Trained};
use crate::train::samples::read_training;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What says which columns the network takes and gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A spec, whose layers must be the file's.
    Spec(Box<Spec>),
    /// A data file and its target columns; the spec is made of the layers in the file.
    Data {
        /// The file, absolute.
        file: PathBuf,
        /// Target columns.
        target: Vec<String>,
    },
    /// The file alone: its metadata where wgrad wrote it, else the columns `x[0]`, `x[1]` and so on of an array.
    File,
}

/// What to import, beside the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Where columns and classes come from.
    pub origin: Origin,
    /// The loss, where neither spec nor file says it.
    pub loss: Option<Loss>,
    /// The activation of the inner layers, where neither spec nor file says it.
    pub activation: Option<Activation>,
}

/// The data file that the spec of a run names when nobody has named one.
const NO_DATA: &str = "data-not-named.csv";

/// Reads the network in `path`, an ONNX file or a safetensors file of PyTorch's.
///
/// # Errors
/// [`Error::Weights`] for a file that is damaged or holds something else than dense and
/// normalising layers; [`Error::Shape`] where it is not the
/// spec's network; what reading the data fails with.
pub fn import(path: &Path, wish: &Import) -> Result<Trained> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let mut found = match extension.as_str() {
        "onnx" => onnx::read(path)?,
        "safetensors" => Found { layers: of_pytorch(path, wish)?, ..Found::default() },
        _ => {
            let message = "a network is read from an ONNX file (.onnx) or from PyTorch's safetensors (.safetensors)";
            return Err(Error::weights(path, message));
        }
    };
    let loss = loss_of(&found, wish);
    drop_what_the_loss_does(&mut found, loss);
    let scaler = scaler_of(path, &found)?;
    let (spec, preprocessing) = match &wish.origin {
        Origin::Spec(spec) => with_data(spec.as_ref().clone(), &found, scaler, path)?,
        Origin::Data { file, target } => {
            let file = file.to_str().ok_or_else(|| Error::spec(file.display().to_string(), "the path is not UTF-8"))?;
            with_data(Spec::parse(&spec_text(&found, loss, file, target), path)?, &found, scaler, path)?
        }
        Origin::File => alone(path, &found, loss, scaler)?,
    };
    let layers = spec.model.layers(found.layers[0].layer.inputs)?;
    let network = Network { layers, loss: spec.train.loss };
    Ok(Trained { spec, preprocessing, parameters: parameters(&network, found.layers), network })
}

/// Writes `trained` into the new folder `dir`.
///
/// # Errors
/// [`Error::Spec`] where the folder holds anything; [`Error::Io`].
pub fn write_run(trained: &Trained, dir: &Path) -> Result<()> {
    let folder = RunFolder::create(dir, Arc::new(SystemDisk))?;
    let _lock = folder.lock()?;
    folder.clear_cut_off_start()?;
    folder.write_preprocessing(&trained.preprocessing)?;
    let text = trained.spec.to_toml();
    let sha256 = digest::of_bytes(text.as_bytes());
    let record = RunRecord::of(&trained.spec).unwrap_or_else(|_| RunRecord {
        run: sha256.clone(),
        spec_sha256: sha256,
        spec: text,
        seed: trained.spec.train.seed,
        // There are none yet.
        data: Vec::new(),
        parts: Vec::new(),
    });
    folder.write_record(&record)?;
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    weights::save(&folder.file("model.safetensors"), &trained.parameters, Precision::F32, &metadata)?;
    folder.write_spec(&trained.spec)
}

fn of_pytorch(path: &Path, wish: &Import) -> Result<Vec<FoundLayer>> {
    let of_spec: Option<Vec<Activation>> = match &wish.origin {
        Origin::Spec(spec) => {
            Some(spec.model.layers.iter().filter(|l| l.is::<Dense>().is_some()).map(|l| l.activation).collect())
        }
        _ => None,
    };
    if of_spec.is_none() && (wish.activation.is_none() || wish.loss.is_none()) {
        let remedy = Remedy::DescribeLayers;
        let message = format!("a safetensors file does not say what lies between the layers. {remedy}");
        return Err(Error::weights(path, message));
    }
    let inner = wish.activation.unwrap_or(Activation::Identity);
    pytorch::read(path, |i, count| match &of_spec {
        Some(activations) => activations.get(i).copied().unwrap_or(Activation::Identity),
        None if i + 1 < count => inner,
        None => Activation::Identity,
    })
}

/// What the spec, the command line, the file's metadata or its last activation says.
fn loss_of(found: &Found, wish: &Import) -> Loss {
    let written = found.metadata(onnx::LOSS).and_then(Loss::by_name);
    match &wish.origin {
        Origin::Spec(spec) => spec.train.loss,
        _ => wish.loss.or(written).unwrap_or_else(|| match found.layers.last().map(|last| last.layer.activation) {
            _ if found.log_softmax => Loss::cross_entropy(),
            Some(Activation::Softmax) => Loss::cross_entropy(),
            Some(Activation::Sigmoid) => Loss::BinaryCrossEntropy,
            _ => Loss::Mse,
        }),
    }
}

/// A loss on logits applies the last activation itself, and `predict` does.
fn drop_what_the_loss_does(found: &mut Found, loss: Loss) {
    if let Some(FoundLayer { layer: last, .. }) = found.layers.last_mut() {
        let own = matches!(
            (loss.output(), last.activation),
            (Output::ClassLogit, Activation::Softmax) | (Output::Logit, Activation::Sigmoid)
        );
        if own {
            last.activation = Activation::Identity;
        }
    }
}

/// The scaling in front of the layers: that of the metadata where it says the same as the nodes, else one by mean and deviation.
fn scaler_of(path: &Path, found: &Found) -> Result<Option<Scaler>> {
    let Some((shift, divisor)) = &found.scaling else { return Ok(None) };
    let inputs = found.layers[0].layer.inputs;
    let (shift, divisor) = match shift.len() {
        1 => (vec![shift[0]; inputs], vec![divisor[0]; inputs]),
        _ => (shift.clone(), divisor.clone()),
    };
    if shift.len() != inputs {
        let message = format!("the scaling has {} columns, the first layer takes {inputs} numbers", shift.len());
        return Err(Error::weights(path, message));
    }
    let written: Option<Scaler> = found.metadata(onnx::SCALER).and_then(|text| serde_json::from_str(text).ok());
    let same = |scaler: &Scaler| {
        Constants::of(scaler).is_some_and(|c| {
            let factor = c.factor.unwrap_or_else(|| vec![1.0; c.divisor.len()]);
            let divisors: Vec<f64> = c.divisor.iter().zip(&factor).map(|(d, f)| d / f).collect();
            c.shift == shift && divisors == divisor
        })
    };
    if let Some(scaler) = written.filter(same) {
        return Ok(Some(scaler));
    }
    if shift.iter().chain(&divisor).any(|v| !v.is_finite()) || divisor.contains(&0.0) {
        let message =
            "the scaling in front divides by zero or multiplies by it; wgrad has none such. Drop those columns";
        return Err(Error::weights(path, message));
    }
    Ok(Some(Scaler::Standard { mean: shift, std: divisor }))
}

/// The columns and classes of the spec's data, and its scaling unless the file brings one.
fn with_data(mut spec: Spec, found: &Found, scaler: Option<Scaler>, path: &Path) -> Result<(Spec, Preprocessing)> {
    if let Some(scaler) = &scaler {
        spec.data.scale = scaler.kind();
    }
    let inputs = found.layers[0].layer.inputs;
    compare(&spec.model.layers(inputs)?, found, path)?;
    let mut preprocessing = read_training::<f32>(&spec, &std::env::temp_dir())?.preprocessing;
    let features = preprocessing.schema.features.len();
    if features != inputs {
        return Err(Error::Shape(format!(
            "{}: the first layer takes {inputs} numbers, the data have {features} feature columns",
            path.display()
        )));
    }
    if let Some(scaler) = scaler {
        preprocessing.scaler = scaler;
    }
    Ok((spec, preprocessing))
}

/// Refuses layers that are not the spec's. A file does not tell of dropout, which a trained network no longer does.
fn compare(layers: &[Layer], found: &Found, path: &Path) -> Result<()> {
    let leaves_no_trace = |layer: &&Layer| layer.module.only_trains() && layer.activation == Activation::Identity;
    let of_spec: Vec<String> = layers.iter().filter(|layer| !leaves_no_trace(layer)).map(describe).collect();
    let of_file: Vec<String> = found.layers.iter().map(|found| describe(&found.layer)).collect();
    if of_spec == of_file {
        return Ok(());
    }
    Err(Error::Shape(format!(
        "{} holds the layers {}; the spec has {}. Correct the spec, or leave it out",
        path.display(),
        of_file.join(", "),
        of_spec.join(", ")
    )))
}

fn describe(layer: &Layer) -> String {
    layer.module.describe(layer.inputs, &write::activation(rounded(layer.activation)))
}

/// A slope as single precision holds it, in its shortest form.
fn rounded(activation: Activation) -> Activation {
    activation.with_parameter(onnx::decimal(activation.slope() as f32))
}

/// A spec of the file's layers.
fn spec_text(found: &Found, loss: Loss, data: &str, target: &[String]) -> String {
    let targets: Vec<String> = target.iter().map(|t| write::quoted(t)).collect();
    let mut text = format!("[data]\ntrain = {}\ntarget = [{}]\n", write::quoted(data), targets.join(", "));
    for FoundLayer { layer, .. } in &found.layers {
        let layer = Layer { activation: rounded(layer.activation), ..layer.clone() };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", write::entry(&layer));
    }
    let _ = write!(text, "[train]\nloss = {}\noptimizer = {{ adam = {{ lr = 0.001 }} }}\n", write::loss(loss));
    text
}

/// Without data: columns and classes by the metadata, or by number.
fn alone(path: &Path, found: &Found, loss: Loss, scaler: Option<Scaler>) -> Result<(Spec, Preprocessing)> {
    let (inputs, outputs) = (found.layers[0].layer.inputs, found.layers.last().map_or(0, |last| last.layer.outputs));
    let written: Option<Schema> = found.metadata(onnx::SCHEMA).and_then(|text| serde_json::from_str(text).ok());
    let fits = |schema: &Schema| {
        let classes = schema.classes.as_ref().is_none_or(|classes| classes.len() == outputs.max(2));
        schema.features.len() == inputs && schema.is_consistent() && !schema.target.is_empty() && classes
    };
    let schema = written.filter(fits).unwrap_or_else(|| Schema {
        pictures: None,
        features: if inputs == 1 { vec!["x".into()] } else { (0..inputs).map(|i| format!("x[{i}]")).collect() },
        target: vec!["y".to_owned()],
        classes: loss.takes_class().then(|| (0..outputs).map(|i| i.to_string()).collect()),
        encoding: None,
        sample_weight: None,
    });
    let mut spec = Spec::parse(&spec_text(found, loss, NO_DATA, &schema.target), path)?;
    let scaler = scaler.unwrap_or(Scaler::None);
    spec.data.scale = scaler.kind();
    Ok((spec, Preprocessing { schema, scaler }))
}

/// Parameters and running statistics under the names that a run's have.
fn parameters(network: &Network, layers: Vec<FoundLayer>) -> Vec<Tensor> {
    let values = layers.into_iter().flat_map(|found| found.values);
    let named = network.tensors().into_iter().zip(values);
    named.map(|((name, shape), v)| Tensor { name, shape, values: v.into_iter().map(f64::from).collect() }).collect()
}
