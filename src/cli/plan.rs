//! `wgrad plan`

use super::{args, out, samples};
use crate::exec::memory::{free_bytes, gibibytes};
use crate::exec::{Choice, Device, limits_of_environment, open_device};
use crate::plan::{Limits, Plan, Products};
use crate::spec::Spec;
use crate::train::Roles;
use crate::train::engine::{Target, planned};
use crate::train::forecast::{Forecast, check_memory, largest_batch, part_of};
use crate::tune::Asked;
use serde::Serialize;

#[derive(Serialize)]
struct Totals {
    target: String,
    parameters: usize,
    memory_bytes: u64,
    dispatches: usize,
    flops: u64,
    traffic_bytes: u64,
    arenas: Vec<ArenaSize>,
    training_memory: Forecast,
    available_bytes: Option<u64>,
    largest_batch_size: Option<usize>,
}

#[derive(Serialize)]
struct ArenaSize {
    name: String,
    bytes: u64,
}

pub fn run(args: args::Plan) -> anyhow::Result<bool> {
    let spec = Spec::load(&args.spec)?;
    let prepared = samples::of(&spec)?;
    let opened = open(&args)?;
    let target = target(opened.as_ref())?;
    let rows = prepared.train.rows;
    let batch = spec.train.batch_of(rows);
    let roles = Roles {
        train: Some((rows, batch, spec.train.rule(rows))),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        stream: prepared.train.file().is_some(),
        switches: args.switches.parse()?,
        ..Roles::default()
    };
    let network = &prepared.network;
    let plans = planned(&target, network, roles)?;
    plans.iter().try_for_each(|plan| plan.check(&target.limits, target.name))?;
    let forecast = Forecast::of(&target, network, roles)?;
    let available = args.memory.or_else(|| host_memory(opened.as_ref()));
    if let Some(memory_bytes) = available {
        check_memory(&target, network, roles, &forecast, memory_bytes)?;
    }
    let largest = available.and_then(|bytes| largest_batch(&target, network, roles, bytes));
    let largest = largest.map(|batch| part_of(batch, roles));
    let plan = &plans[0];
    if let Some(file) = &args.json {
        let totals = totals(&target, network.parameter_count(), plan);
        out::json(
            file,
            &Totals { training_memory: forecast, available_bytes: available, largest_batch_size: largest, ..totals },
        )?;
        return Ok(true);
    }
    let memory = match (available, largest) {
        (Some(bytes), Some(batch)) => format!(
            "memory available: {} ({bytes} bytes); the largest batch_size that fits is {batch}, of {} training rows\n",
            gibibytes(u128::from(bytes)),
            prepared.train.rows
        ),
        _ => "memory available: the target does not tell; --memory SIZE checks against a figure\n".to_string(),
    };
    out::result(&format!("{plan}{}{memory}target {}: fits", forecast.text(), target.name))?;
    Ok(true)
}

fn totals(target: &Target<'_>, parameters: usize, plan: &Plan) -> Totals {
    let arenas = plan.arenas.iter().map(|a| ArenaSize { name: a.name.clone(), bytes: 4 * a.len as u64 });
    Totals {
        target: target.name.to_string(),
        parameters,
        memory_bytes: plan.size_bytes(),
        dispatches: if plan.whole.is_some() { 1 } else { plan.dispatches.len() },
        flops: plan.flops(),
        traffic_bytes: plan.traffic_bytes(),
        arenas: arenas.collect(),
        training_memory: Forecast::default(),
        available_bytes: None,
        largest_batch_size: None,
    }
}

/// The device of `--target` with its tuning; none for the default limits of WebGPU.
fn open(args: &args::Plan) -> anyhow::Result<Option<Device>> {
    let choice = match args.target.as_str() {
        "webgpu" => {
            if let Asked::File(file) = &args.tuning.asked {
                anyhow::bail!("{}: a tuning belongs to an adapter. Give --target NAME", file.display());
            }
            return Ok(None);
        }
        "cpu" => Choice::Cpu,
        name => Choice::Adapter(name.to_string()),
    };
    Ok(Some(args.tuning.choose(pollster::block_on(open_device(&choice, false))?)?))
}

fn target(device: Option<&Device>) -> anyhow::Result<Target<'_>> {
    if let Some(device) = device {
        return Ok(Target::of(device));
    }
    let limits = limits_of_environment(Limits::WEBGPU, "WebGPU by default")?;
    Ok(Target { name: "WebGPU's default limits", limits, products: Products::default(), tuned: None, adapter: true })
}

/// Memory that is free where the target computes in the host's: on the CPU and on software adapters.
fn host_memory(device: Option<&Device>) -> Option<u64> {
    device.filter(|d| d.is_software()).and_then(|_| free_bytes())
}
