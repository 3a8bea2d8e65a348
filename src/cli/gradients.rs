//! `wgrad grad`

use super::args::{self, DeviceKind, PrecisionArg};
use super::out;
use crate::data::{Dataset, RawTable, Scale, Schema, read_table};
use crate::exec::Device;
use crate::model::weights::{self, Precision};
use crate::model::{Network, Tensor};
use crate::spec::{ClassWeights, Spec};
use crate::train::prepare::{Prepared, prepare};
use crate::train::weighting::{weigh_data, weigh_like};
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

/// The whole file as one batch, in its order, with its weights where the spec names a column of such. Where the spec scales, the scaler is fitted on the spec's training part, as
/// `train` would; where the training file is there, its columns and classes count.
fn batch(spec: &Spec, args: &args::Grad) -> anyhow::Result<Dataset> {
    let table = read_table(&args.data.file().with_images(spec.data.train.images))?;
    let rule = spec.target_rule();
    let weighs_classes = spec.train.class_weights != ClassWeights::Equal;
    let alone = spec.data.scale == Scale::None && !spec.data.train.path.exists();
    if alone {
        let (mut data, schema) = table.dataset_of(&spec.data.columns, &spec.data.target, rule)?;
        let network = Network { layers: spec.model.layers(data.features.len())?, loss: spec.train.loss };
        weigh_data(&mut data, &network, spec, schema.classes.as_deref())?;
        return Ok(data);
    }
    if spec.data.scale == Scale::None && !weighs_classes && spec.data.columns.is_plain() {
        let (_, schema) = read_table(&spec.data.train)?.dataset_of(&spec.data.columns, &spec.data.target, rule)?;
        return labelled(&table, &schema, spec);
    }
    let Prepared { preprocessing, network, class_weights, .. } = prepare(spec)?;
    let mut data = labelled(&table, &preprocessing.schema, spec)?;
    preprocessing.scaler.apply(&mut data.x);
    if weighs_classes {
        weigh_like(&mut data, &network, &class_weights);
    }
    Ok(data)
}

/// The samples of the file, with their weights where the training file has some.
fn labelled(table: &RawTable, schema: &Schema, spec: &Spec) -> anyhow::Result<Dataset> {
    let data = table.dataset_as(schema, spec.target_rule())?;
    if let (Some(column), true) = (&schema.sample_weight, data.weights.is_empty()) {
        let path = table.path().display();
        anyhow::bail!("{path}: there is no column \"{column}\", which data.sample_weight names. Add the rows' weights");
    }
    Ok(data)
}

fn wide_device(args: &args::Grad) -> anyhow::Result<Device> {
    // WGRAD_ADAPTER is a default for where a GPU can be used, not a wish for one.
    if args.device.adapter.is_some() || args.device.device == DeviceKind::Gpu {
        anyhow::bail!("--precision f64 runs on the CPU only, but a GPU was asked for. Use --device cpu, or f32");
    }
    Ok(Device::new(crate::exec::cpu::Host::<f64>::new("f64 runs on the CPU")))
}
