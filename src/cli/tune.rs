//! `wgrad tune`

use super::{args, out, samples};
use crate::bench::{WORKLOADS, Workload};
use crate::exec::Device;
use crate::plan::tuning::Table;
use crate::plan::{Plan, Switches};
use crate::spec::Spec;
use crate::train::Roles;
use crate::train::engine::plans;
use crate::tune::{Lock, TimedClass, cache, measure};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Serialize)]
struct Report<'a> {
    adapter: &'a str,
    driver: &'a str,
    /// From the open device to the result, pipelines included.
    seconds: f64,
    /// Where the tuning was written, and its digest.
    file: &'a Path,
    digest: String,
    classes: &'a [TimedClass],
}

pub fn run(args: args::Tune) -> anyhow::Result<()> {
    let device = args.device.open()?;
    out::device(&device);
    // Products that gather have the same tiles as those that do not, and these need no index.
    let switches = Switches { gather: false, ..args.switches.parse()? };
    let mut found: Vec<Plan> = Vec::new();
    let every = WORKLOADS.map(|w| w.name.to_string());
    let names = if args.subjects.is_empty() { &every[..] } else { &args.subjects };
    for name in names {
        let plans = plans_of(name, &device, switches)?;
        if let Some(plan) = plans.iter().find(|p| p.whole.is_some()) {
            out::say!("{name}: {} runs whole steps in one dispatch, where nothing is tuned", plan.name);
        }
        found.extend(plans);
    }
    let begin = Instant::now();
    let measured = pollster::block_on(measure(&device, switches.products(device.products()), &found, args.seconds))?;
    let seconds = begin.elapsed().as_secs_f64();
    let table: Table = measured.iter().map(|m| (m.class, m.chosen)).collect();
    // A device that can be measured has tunings: the CPU was refused above.
    let Some(lock) = Lock::new(&device, &table) else { return Ok(()) };
    let (file, lock) = written(&args, &device, lock)?;
    let (adapter, driver, digest) = (&*lock.adapter, &*lock.driver, lock.digest());
    let report = Report { adapter, driver, seconds, file: &file, digest, classes: &measured };
    out::json_or_text(&args.json, &report, || text(&report))
}

/// Writes the file of --out, or to the cache, whose other classes stay.
fn written(args: &args::Tune, device: &Device, lock: Lock) -> anyhow::Result<(PathBuf, Lock)> {
    if let Some(file) = &args.out {
        out::file(file, &lock.to_toml())?;
        return Ok((file.clone(), lock));
    }
    let mut table = cache::earlier(&lock).map(|earlier| earlier.table()).unwrap_or_default();
    table.extend(lock.table());
    let lock = Lock::new(device, &table).unwrap_or(lock);
    Ok((cache::write(&lock)?, lock))
}

/// The plans of a spec, or of a workload.
fn plans_of(name: &str, device: &Device, switches: Switches) -> anyhow::Result<Vec<Plan>> {
    if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
        let workload = Workload::by_name(name)?;
        let train = Some((workload.samples, workload.batch, workload.optimizer.into()));
        return Ok(plans(device, &workload.network(), Roles { train, switches, ..Roles::default() })?);
    }
    let spec = Spec::load(Path::new(name))?;
    let prepared = samples::of(&spec)?;
    let rows = prepared.train.rows;
    let roles = Roles {
        train: Some((rows, spec.train.batch_of(rows), spec.train.rule(rows))),
        evaluate: prepared.validation.as_ref().map(|v| v.rows),
        switches,
        ..Roles::default()
    };
    Ok(plans(device, &prepared.network, roles)?)
}

fn text(report: &Report<'_>) -> String {
    let Report { seconds, classes: measured, .. } = *report;
    let mut text = String::new();
    for class in measured {
        let sizes: Vec<String> = class.sizes.iter().map(|[m, n, k]| format!("{m} x {n} over {k}")).collect();
        let _ = writeln!(text, "{}: {}", sizes.join(", "), class.labels.join(", "));
        for timing in &class.timings {
            let mark = match timing.way {
                way if way == class.chosen && way == class.rule => "  chosen, as by the rules",
                way if way == class.chosen => "  chosen",
                way if way == class.rule => "  by the rules",
                _ if timing.left => "  left after the first round",
                _ => "",
            };
            let way = timing.way.to_string();
            let _ = writeln!(text, "  {way:<12} {:>11.1} us {:>8.2} GFLOP/s{mark}", timing.time_us, timing.gflop_per_s);
        }
    }
    let otherwise = measured.iter().filter(|m| m.chosen != m.rule).count();
    let classes = measured.len();
    let _ = writeln!(text, "{classes} classes of products, {otherwise} otherwise than by the rules; {seconds:.2} s");
    let _ = writeln!(text, "tuning    {} ({})", report.file.display(), report.digest);
    text
}
