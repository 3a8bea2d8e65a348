//! `WGRAD_DUMP=graph,plan,wgsl`: prints what the compiler of networks made, to stderr.

use super::{out, samples};
use crate::exec::Device;
use crate::kernels::Kernel;
use crate::model::Samples;
use crate::plan::{Switches, Whole};
use crate::spec::Spec;
use crate::train::engine::{Roles, plans};
use std::collections::BTreeSet;

/// Prints what the environment asks for of the spec's train step on `device`.
pub fn spec(spec: &Spec, device: &Device, switches: Switches) -> anyhow::Result<()> {
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
            out::words(&format!("// ---- whole_steps ----\n{}", Whole::source()));
        } else if wanted.contains(&"wgsl") {
            let kernels: BTreeSet<Kernel> = plan.dispatches.iter().map(|d| d.kernel).collect();
            for kernel in kernels {
                out::words(&format!("// ---- {} ----\n{}", kernel.name, kernel.source()));
            }
        }
    }
    Ok(())
}
