//! `wgrad plan`

use super::{args, out};
use crate::exec::memory::check_host_memory;
use crate::exec::{Choice, Device, limits_of_environment, open_device};
use crate::model::Network;
use crate::plan::{Limits, Options, Plan, Products, Switches, lower};
use crate::spec::Spec;
use crate::train::engine::check_tensors;
use crate::train::prepare::prepare;
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
}

#[derive(Serialize)]
struct ArenaSize {
    name: String,
    bytes: u64,
}

pub fn run(args: args::Plan) -> anyhow::Result<bool> {
    let spec = Spec::load(&args.spec)?;
    let prepared = prepare(&spec)?;
    let target = target(&args.target, args.switches.parse()?)?;
    if args.target == "cpu" {
        check_host_memory("the train step", prepared.network.parameter_bytes())?;
    }
    let plan = train_plan(&spec, &prepared.network, prepared.train.rows, &target)?;
    target.limits.check(&plan, &target.name)?;
    if let Some(file) = &args.json {
        let arenas = plan.arenas.iter().map(|a| ArenaSize { name: a.name.clone(), bytes: 4 * a.len as u64 });
        let totals = Totals {
            target: target.name,
            parameters: prepared.network.parameter_count(),
            memory_bytes: plan.size_bytes(),
            dispatches: if plan.whole.is_some() { 1 } else { plan.dispatches.len() },
            flops: plan.flops(),
            traffic_bytes: plan.traffic_bytes(),
            arenas: arenas.collect(),
        };
        out::json(file, &totals)?;
        return Ok(true);
    }
    out::result(&format!("{plan}target {}: fits", target.name))?;
    Ok(true)
}

/// What a plan is made for.
struct Target {
    name: String,
    limits: Limits,
    products: Products,
    fuse: bool,
    whole: bool,
}

fn target(name: &str, switches: Switches) -> anyhow::Result<Target> {
    if name == "webgpu" {
        let name = "WebGPU's default limits".into();
        let products = Products::default();
        let limits = limits_of_environment(Limits::WEBGPU, "WebGPU by default")?;
        return Ok(Target { name, limits, products, fuse: switches.fusion, whole: switches.whole });
    }
    let choice = if name == "cpu" { Choice::Cpu } else { Choice::Adapter(name.to_string()) };
    let device: Device = pollster::block_on(open_device(&choice, false))?;
    Ok(Target {
        name: device.name().to_string(),
        limits: device.limits(),
        products: switches.products(device.products()),
        fuse: switches.fusion,
        whole: switches.whole && device.kind() == "gpu",
    })
}

/// The train step's plan, the whole data set on the device.
fn train_plan(spec: &Spec, network: &Network, rows: usize, target: &Target) -> anyhow::Result<Plan> {
    let batch = spec.train.batch_size.min(rows);
    check_tensors(&target.limits, &target.name, network, batch)?;
    let samples = crate::model::Samples { name: "train", rows, batch };
    let graph = network.train_graph(samples, spec.train.optimizer)?;
    let &Target { limits, products, fuse, whole, .. } = target;
    Ok(lower(&graph, &Options { limits, products, fuse, whole, ..Options::new("train", rows.div_ceil(batch)) })?)
}
