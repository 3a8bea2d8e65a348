//! `wgrad grad`

use super::args::{self, DeviceKind, PrecisionArg};
use super::out;
use crate::data::{Dataset, Scale, read_table};
use crate::exec::Device;
use crate::model::weights::{self, Precision};
use crate::model::{Network, Tensor};
use crate::spec::Spec;
use crate::train::prepare::prepare;
use crate::train::{Engine, Roles};
use std::collections::BTreeMap;

pub fn run(args: args::Grad) -> anyhow::Result<bool> {
    let spec = Spec::load(&args.spec)?;
    let data = batch(&spec, &args)?;
    let network = Network { layers: spec.model.layers(data.features.len())?, loss: spec.train.loss };
    let wide = args.precision == PrecisionArg::F64;
    let parameters = weights::load(&args.weights, &network.tensors(), wide)?;
    let device = if wide { wide_device(&args)? } else { args.device.open()? };
    let roles = Roles { gradients: Some(data.rows), ..Roles::default() };
    let (loss, mut tensors) = pollster::block_on(async {
        let mut engine = Engine::open(&device, &network, roles).await?;
        engine.write_parameters(&parameters)?;
        engine.gradients(&data).await
    })?;
    tensors.push(Tensor { name: "loss".into(), shape: vec![1], values: vec![loss] });
    let precision = if wide { Precision::F64 } else { Precision::F32 };
    weights::save(&args.out, &tensors, precision, &BTreeMap::from([("format".into(), "pt".into())]))?;
    out::words(&format!("device    {} ({})", device.name(), device.reason()));
    out::words(&format!("wrote the gradients of {} tensors to {}", tensors.len() - 1, args.out.display()));
    out::result(&format!("loss      {loss}"))?;
    Ok(true)
}

/// The whole file as one batch, in its order. Where the spec scales, the scaler is fitted on the spec's training part, as
/// `train` would; where the training file is there, its columns and classes count.
fn batch(spec: &Spec, args: &args::Grad) -> anyhow::Result<Dataset> {
    let table = read_table(&args.data.file().with_images(spec.data.train.images))?;
    let rule = spec.target_rule();
    if spec.data.scale == Scale::None && !spec.data.train.path.exists() {
        return Ok(table.dataset_of(&spec.data.columns, &spec.data.target, rule)?.0);
    }
    if spec.data.scale == Scale::None {
        let (_, schema) = read_table(&spec.data.train)?.dataset_of(&spec.data.columns, &spec.data.target, rule)?;
        return Ok(table.dataset_as(&schema, rule)?);
    }
    let preprocessing = prepare(spec)?.preprocessing;
    let mut data = table.dataset_as(&preprocessing.schema, rule)?;
    preprocessing.scaler.apply(&mut data.x);
    Ok(data)
}

fn wide_device(args: &args::Grad) -> anyhow::Result<Device> {
    // WGRAD_ADAPTER is a default for where a GPU can be used, not a wish for one.
    if args.device.adapter.is_some() || args.device.device == DeviceKind::Gpu {
        anyhow::bail!("--precision f64 runs on the CPU only, but a GPU was asked for. Use --device cpu, or f32");
    }
    Ok(Device::CpuF64 { reason: "f64 runs on the CPU".into() })
}
