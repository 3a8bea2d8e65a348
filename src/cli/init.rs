//! `wgrad init`

use super::{args, out, samples};
use crate::exec::memory::check_host_memory;
use crate::model::Network;
use crate::model::weights::{self, Precision};
use crate::spec::Spec;
use std::collections::BTreeMap;

pub fn run(args: args::Init) -> anyhow::Result<bool> {
    let spec = Spec::load(&args.spec)?;
    let network = Network { layers: spec.model.layers(inputs(&spec)?)?, loss: spec.train.loss };
    // In f64 as they are drawn, then as the bytes of the file.
    check_host_memory("init", 3 * network.parameter_bytes())?;
    let parameters = spec.model.initial_parameters(&network, args.seed.unwrap_or(spec.train.seed))?;
    weights::save(&args.out, &parameters, Precision::F32, &BTreeMap::from([("format".into(), "pt".into())]))?;
    out::words(&format!(
        "wrote {} parameters in {} tensors to {}",
        out::count(network.parameter_count() as u64),
        parameters.len(),
        args.out.display()
    ));
    Ok(true)
}

/// The spec's own number of inputs, or the training file's number of feature columns.
pub fn inputs(spec: &Spec) -> anyhow::Result<usize> {
    if let Some(inputs) = spec.model.inputs {
        return Ok(inputs);
    }
    Ok(samples::training::<f32>(spec)?.network.inputs())
}
