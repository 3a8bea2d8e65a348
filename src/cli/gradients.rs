//! `wgrad grad`

use super::args::{self, DeviceKind, PrecisionArg};
use super::{out, samples};
use crate::data::load::{Like, read_like};
use crate::data::{Dataset, Scale, Tolerance};
use crate::exec::Device;
use crate::model::weights::{self, Precision};
use crate::model::{Network, Tensor};
use crate::spec::Spec;
use crate::train::run_folder::Preprocessing;
use crate::train::samples::RunData;
use crate::train::{Engine, Roles};
use std::collections::BTreeMap;

pub fn run(args: args::Grad) -> anyhow::Result<bool> {
    let spec = Spec::load(&args.spec)?;
    let (data, network) = batch(&spec, &args)?;
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

fn wide_device(args: &args::Grad) -> anyhow::Result<Device> {
    // WGRAD_ADAPTER is a default for where a GPU can be used, not a wish for one.
    if args.device.adapter.is_some() || args.device.device == DeviceKind::Gpu {
        anyhow::bail!("--precision f64 runs on the CPU only, but a GPU was asked for. Use --device cpu, or f32");
    }
    Ok(Device::new(crate::exec::cpu::Host::<f64>::new("f64 runs on the CPU")))
}
