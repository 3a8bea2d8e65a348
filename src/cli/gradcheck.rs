//! `wgrad gradcheck`

use super::{args, out, samples};
use crate::exec::memory::check_host_memory;
use crate::spec::Spec;
use crate::verify::gradcheck::{Question, analytic, gradcheck, report};

pub fn run(args: args::Gradcheck) -> anyhow::Result<bool> {
    let mut spec = Spec::load(&args.spec)?;
    spec.train.seed = args.seed.unwrap_or(spec.train.seed);
    let seed = spec.train.seed;
    let prepared = samples::training::<f64>(&spec)?;
    // Parameters, gradients and the terms of their bounds, each in f64.
    check_host_memory("the check", 6 * prepared.network.parameter_bytes())?;
    let parameters = spec.model.initial_parameters(&prepared.network, seed)?;
    // The batch that training would begin with.
    let batch = prepared.train.batch(&prepared.train.order(seed, 0), 0, spec.train.batch_size)?;
    let samples = args.samples as usize;
    let question = Question { network: &prepared.network, parameters: &parameters, batch: &batch, samples, seed };
    let verdict = pollster::block_on(async {
        let gradients = analytic(&question).await?;
        gradcheck(&question, &gradients).await
    })?;
    match &args.json {
        Some(target) => out::json(target, &verdict)?,
        None => out::result(&report::text(&verdict))?,
    }
    Ok(verdict.passed)
}
