//! `wgrad gradcheck`

use super::{args, out};
use crate::data::epoch_order;
use crate::exec::memory::check_host_memory;
use crate::spec::Spec;
use crate::train::prepare::prepare;
use crate::verify::gradcheck::{Question, analytic, gradcheck, report};

pub fn run(args: args::Gradcheck) -> anyhow::Result<bool> {
    let mut spec = Spec::load(&args.spec)?;
    spec.train.seed = args.seed.unwrap_or(spec.train.seed);
    let seed = spec.train.seed;
    let prepared = prepare(&spec)?;
    // Parameters, gradients and the terms of their bounds, each in f64.
    check_host_memory("the check", 6 * prepared.network.parameter_bytes())?;
    let parameters = spec.model.initial_parameters(&prepared.network, seed)?;
    // The batch that training would begin with.
    let order = epoch_order(seed, 0, prepared.train.rows);
    let batch = prepared.train.subset(&order[..spec.train.batch_size.min(order.len())]);
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
