//! `wgrad init`, `wgrad grad` and `wgrad digest`: files of parameters and gradients, as other programs read and write them.

use super::args::{self, DeviceKind, PrecisionArg};
use super::{out, samples};
use crate::data::like::{Like, read_like};
use crate::data::{Dataset, Scale, Tolerance};
use crate::exec::Device;
use crate::exec::cpu::Host;
use crate::exec::memory::check_host_memory;
use crate::nn::digest::{of_tensors, of_values};
use crate::nn::weights::{self, Precision, TensorDigest};
use crate::nn::{Network, Tensor};
use crate::spec::Spec;
use crate::train::run_folder::{Preprocessing, RunFolder};
use crate::train::samples::RunData;
use crate::train::{Engine, Roles};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// `wgrad init`
pub fn init(args: args::Init) -> anyhow::Result<()> {
    let spec = Spec::load(&args.spec)?;
    // The spec's own number of inputs, or the training file's number of feature columns.
    let inputs = match spec.model.inputs {
        Some(inputs) => inputs,
        None => samples::training::<f32>(&spec)?.network.inputs(),
    };
    let network = Network { layers: spec.model.layers(inputs)?, loss: spec.train.loss };
    // In f64 as they are drawn, then as the bytes of the file.
    check_host_memory("init", 3 * network.parameter_bytes())?;
    let parameters = spec.model.initial_parameters(&network, args.seed.unwrap_or(spec.train.seed))?;
    save(&args.out, &parameters, Precision::F32)?;
    let (count, tensors) = (out::count(network.parameter_count()), parameters.len());
    out::say!("wrote {count} parameters in {tensors} tensors to {}", args.out.display());
    Ok(())
}

/// `wgrad grad`
pub fn gradients(args: args::Grad) -> anyhow::Result<()> {
    let spec = Spec::load(&args.spec)?;
    let (data, network) = batch(&spec, &args)?;
    let wide = args.precision == PrecisionArg::F64;
    let parameters = weights::load(&args.weights, &network.tensors(), wide)?;
    // WGRAD_ADAPTER is a default for where a GPU can be used, not a wish for one.
    if wide && (args.device.adapter.is_some() || args.device.device == DeviceKind::Gpu) {
        anyhow::bail!("--precision f64 runs on the CPU only, but a GPU was asked for. Use --device cpu, or f32");
    }
    let device = if wide { Device::new(Host::<f64>::new("f64 runs on the CPU")) } else { args.device.open()? };
    let roles = Roles { gradients: Some(data.rows), ..Roles::default() };
    let (loss, mut tensors) = pollster::block_on(async {
        let mut engine = Engine::open(&device, &network, roles).await?;
        engine.write_parameters(&parameters)?;
        engine.gradients(&data).await
    })?;
    tensors.push(Tensor { name: "loss".into(), shape: vec![1], values: vec![loss] });
    let precision = if wide { Precision::F64 } else { Precision::F32 };
    save(&args.out, &tensors, precision)?;
    out::device(&device);
    out::say!("wrote the gradients of {} tensors to {}", tensors.len() - 1, args.out.display());
    out::result(&format!("loss      {loss}"))
}

/// The whole file as one batch, in its order, read as the spec's training file is, with the weights of its rows and their classes,
/// and the network that takes it. The spec's training file says what columns, classes and scaling are; where it is not there and
/// nothing is scaled, the file itself does.
fn batch(spec: &Spec, args: &args::Grad) -> anyhow::Result<(Dataset, Network)> {
    let file = args.data.file().with_images(spec.data.train.images);
    let mut spec = spec.clone();
    if spec.data.scale == Scale::None && !spec.data.train.path.exists() {
        (spec.data.train, spec.data.validation) = (file.clone(), None);
    }
    let RunData { preprocessing: Preprocessing { schema, scaler }, network, class_weights, .. } =
        samples::training::<f32>(&spec)?;
    let like = Like { schema: &schema, scaler: &scaler, rule: Some(spec.target_rule()), weighted: true };
    let mut skipped = Tolerance::new(spec.data.reading.skip_bad_rows);
    let mut data: Dataset = read_like(&file, &like, &mut skipped)?;
    if file != spec.data.train {
        samples::passed_over(&skipped);
    }
    data.weigh(&class_weights);
    Ok((data, network))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Digests {
    /// SHA-256 over all tensors' names, types, shapes and bytes; [`crate::nn::digest`] defines it.
    sha256: String,
    tensors: Vec<TensorDigest>,
}

/// `wgrad digest`
pub fn digest(args: args::Digest) -> anyhow::Result<()> {
    let (sha256, tensors) = if args.subject.is_dir() {
        of_parameters(&RunFolder::open(&args.subject)?.trained()?.parameters)
    } else {
        weights::digests(&args.subject)?
    };
    let digests = Digests { sha256, tensors };
    out::json_or_text(&args.json, &digests, || format!("{}  {}", digests.sha256, args.subject.display()))
}

/// The digests that a file of these parameters would have.
fn of_parameters(parameters: &[Tensor]) -> (String, Vec<TensorDigest>) {
    let each = |tensor: &Tensor| TensorDigest {
        name: tensor.name.clone(),
        dtype: "F32".to_string(),
        shape: tensor.shape.clone(),
        sha256: of_values(&tensor.values),
    };
    let mut tensors: Vec<TensorDigest> = parameters.iter().map(each).collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    (of_tensors(parameters), tensors)
}

/// Writes tensors, marked as laid out as PyTorch has them.
fn save(path: &Path, tensors: &[Tensor], precision: Precision) -> crate::error::Result<()> {
    weights::save(path, tensors, precision, &BTreeMap::from([("format".into(), "pt".into())]))
}
