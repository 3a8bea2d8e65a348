//! `wgrad plan`, and `WGRAD_DUMP=graph,plan,wgsl`: what the compiler of networks made.

use super::{args, out, samples};
use crate::exec::memory::{free_bytes, gibibytes};
use crate::exec::{Choice, Device, limits_of_environment, open_device};
use crate::kernels::Kernel;
use crate::nn::Samples;
use crate::plan::{Limits, Products, Switches, Whole};
use crate::spec::Spec;
use crate::train::Roles;
use crate::train::engine::{Target, planned, plans};
use crate::train::forecast::{Forecast, check_memory, largest_batch, part_of};
use crate::tune::Asked;
use serde::Serialize;
use std::collections::BTreeSet;

/// What `wgrad plan --json` prints.
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

pub fn run(args: args::Plan) -> anyhow::Result<()> {
    let spec = Spec::load(&args.spec)?;
    let prepared = samples::of(&spec)?;
    let opened = open(&args)?;
    let target = match &opened {
        Some(device) => Target::of(device),
        None => {
            let limits = limits_of_environment(Limits::WEBGPU, "WebGPU by default")?;
            Target {
                name: "WebGPU's default limits",
                limits,
                products: Products::default(),
                tuned: None,
                adapter: true,
            }
        }
    };
    let rows = prepared.train.rows;
    let batch = spec.train.batch_of(rows);
    let roles = Roles {
        train: Some((rows, batch, spec.train.rule(rows))),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        stream: prepared.train.file().is_some(),
        switches: args.ways.switches.parse()?,
        ..Roles::default()
    };
    let network = &prepared.network;
    let plans = planned(&target, network, roles)?;
    plans.iter().try_for_each(|plan| plan.check(&target.limits, target.name))?;
    let forecast = Forecast::of(&target, network, roles)?;
    // Where the target computes in the host's memory, on the CPU and on software adapters, what is free there.
    let on_host = opened.as_ref().is_some_and(|device| device.is_software());
    let available = args.memory.or_else(|| free_bytes().filter(|_| on_host));
    if let Some(memory_bytes) = available {
        check_memory(&target, network, roles, &forecast, memory_bytes)?;
    }
    let largest = available.and_then(|bytes| largest_batch(&target, network, roles, bytes));
    let largest = largest.map(|batch| part_of(batch, roles));
    let plan = &plans[0];
    let arenas = plan.arenas.iter().map(|a| ArenaSize { name: a.name.clone(), bytes: 4 * a.len as u64 });
    let totals = Totals {
        target: target.name.to_string(),
        parameters: network.parameter_count(),
        memory_bytes: plan.size_bytes(),
        dispatches: if plan.whole.is_some() { 1 } else { plan.dispatches.len() },
        flops: plan.flops(),
        traffic_bytes: plan.traffic_bytes(),
        arenas: arenas.collect(),
        training_memory: forecast,
        available_bytes: available,
        largest_batch_size: largest,
    };
    out::json_or_text(&args.json, &totals, || {
        let memory = match (available, largest) {
            (Some(bytes), Some(batch)) => format!(
                "memory available: {} ({bytes} bytes); the largest batch_size that fits is {batch}, of {rows} training rows",
                gibibytes(u128::from(bytes)),
            ),
            _ => "memory available: the target does not tell; --memory SIZE checks against a figure".to_string(),
        };
        format!("{plan}{}{memory}\ntarget {}: fits", forecast.text(), target.name)
    })
}

/// The device of `--target` with its tuning; none for the default limits of WebGPU.
fn open(args: &args::Plan) -> anyhow::Result<Option<Device>> {
    let choice = match args.target.as_str() {
        "webgpu" => {
            if let Asked::File(file) = &args.ways.tuning {
                anyhow::bail!("{}: a tuning belongs to an adapter. Give --target NAME", file.display());
            }
            return Ok(None);
        }
        "cpu" => Choice::Cpu,
        name => Choice::Adapter(name.to_string()),
    };
    Ok(Some(args.ways.choose(pollster::block_on(open_device(&choice, false))?)?))
}

/// Prints what the environment asks for of the spec's train step on `device`.
pub fn dump(spec: &Spec, device: &Device, switches: Switches) -> anyhow::Result<()> {
    let Ok(wanted) = std::env::var("WGRAD_DUMP") else { return Ok(()) };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).filter(|w| !w.is_empty()).collect();
    if let Some(unknown) = wanted.iter().find(|w| !["graph", "plan", "wgsl"].contains(w)) {
        anyhow::bail!("WGRAD_DUMP={unknown} is not known. It takes graph, plan and wgsl, comma-separated");
    }
    let prepared = samples::of(spec)?;
    let rows = prepared.train.rows;
    let (batch, rule) = (spec.train.batch_of(rows), spec.train.rule(rows));
    if wanted.contains(&"graph") {
        let samples = Samples { name: "train", rows, batch };
        out::words(&prepared.network.train_graph(samples, rule)?.to_string());
    }
    let roles = Roles { train: Some((rows, batch, rule)), switches, ..Roles::default() };
    for plan in plans(device, &prepared.network, roles)? {
        if wanted.contains(&"plan") {
            out::words(&plan.to_string());
        }
        if wanted.contains(&"wgsl") && plan.whole.is_some() {
            out::say!("// ---- whole_steps ----\n{}", Whole::source());
        } else if wanted.contains(&"wgsl") {
            for kernel in plan.dispatches.iter().map(|d| d.kernel).collect::<BTreeSet<Kernel>>() {
                out::say!("// ---- {} ----\n{}", kernel.name, kernel.source());
            }
        }
    }
    Ok(())
}
