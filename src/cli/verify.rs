//! `wgrad verify` and `wgrad gradcheck`

use super::{args, out, samples};
use crate::exec::memory::check_host_memory;
use crate::spec::Spec;
use crate::train::engine::check_tensors;
use crate::train::run_folder::RunFolder;
use crate::tune::{Asked, as_begun};
use crate::verify::{Question, Verdict, gradcheck, html, report, verify};

/// Parameter-sized arrays while verifying, in units of f32: the judge holds value and error of parameters, gradients and
/// two states before and after a step in f64, the device's side half of that.
const JUDGE_COPIES: u128 = 2 * (2 * 4 * 2) + 2 * 4;

pub fn run(args: args::Verify) -> anyhow::Result<bool> {
    if args.matrix {
        return super::matrix::run(&args);
    }
    let folder = if args.subject.is_dir() { Some(RunFolder::open(&args.subject)?) } else { None };
    let spec = match &folder {
        Some(folder) => folder.spec()?,
        None => Spec::load(&args.subject)?,
    };
    let prepared = samples::of(&spec)?;
    let device = match &folder {
        // By default what the run computes by; what does not fit this device is left out.
        Some(folder) if args.ways.tuning == Asked::Auto => match folder.record() {
            Ok(record) => as_begun(args.device.open()?, &record),
            Err(_) => args.device.open()?,
        },
        _ => args.ways.choose(args.device.open()?)?,
    };
    let (batch, rule) = (spec.train.batch_of(prepared.train.rows), spec.train.rule(prepared.train.rows));
    let part = rule.parts(batch).0;
    check_tensors(&device.limits(), device.name(), &prepared.network, part)?;
    check_host_memory("verification", JUDGE_COPIES * prepared.network.parameter_bytes())?;
    let parameters = match &folder {
        Some(folder) => folder.parameters(&prepared.network, spec.train.optimizer)?,
        None => spec.model.initial_parameters(&prepared.network, spec.train.seed)?,
    };
    out::device(&device);
    let question = Question {
        network: &prepared.network,
        rule,
        parameters: &parameters,
        data: prepared.train,
        batch_size: batch,
        seed: spec.train.seed,
        steps: args.steps as usize,
        slack: args.slack,
        unfused: args.unfused,
        switches: args.ways.switches.parse()?,
    };
    let verdict = pollster::block_on(verify(&question, &device))?;
    write(&args, &verdict)?;
    Ok(verdict.passed)
}

/// Writes the verdict in every form that is asked for.
fn write(args: &args::Verify, verdict: &Verdict) -> anyhow::Result<()> {
    if let Some(target) = &args.junit {
        out::file(target, &report::junit(verdict))?;
    }
    if let Some(target) = &args.markdown {
        out::file(target, &report::markdown(verdict))?;
    }
    if let Some(target) = &args.html {
        out::file(target, &html::render(verdict, &args.subject.display().to_string()))?;
    }
    out::json_or_text(&args.json, verdict, || report::text(verdict))
}

/// `wgrad gradcheck`: gradients against finite differences.
pub fn finite_differences(args: args::Gradcheck) -> anyhow::Result<bool> {
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
    let question =
        gradcheck::Question { network: &prepared.network, parameters: &parameters, batch: &batch, samples, seed };
    let verdict = pollster::block_on(async {
        let gradients = gradcheck::analytic(&question).await?;
        gradcheck::gradcheck(&question, &gradients).await
    })?;
    out::json_or_text(&args.json, &verdict, || gradcheck::report::text(&verdict))?;
    Ok(verdict.passed)
}
