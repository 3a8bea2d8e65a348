//! `wgrad bench`

mod text;

use super::{args, out};
use crate::bench::compare::{self, Change, Verdict};
use crate::bench::peaks::Peaks;
use crate::bench::profile::{DispatchLine, measure_kernel, trace};
use crate::bench::roofline::{Group, roofline};
use crate::bench::{Line, Settings, WORKLOADS, Workload, measure};
use crate::error::Error;
use crate::kernels::Kernel;
use anyhow::Context;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// The kernel table on a device.
#[derive(Serialize)]
struct KernelTable {
    adapter: String,
    peaks: Peaks,
    kernels: Vec<DispatchLine>,
}

pub fn run(args: args::Bench) -> anyhow::Result<bool> {
    let workloads = chosen(&args)?;
    let earlier = earlier(&args, &workloads)?;
    let (mut lines, mut json) = (Vec::new(), String::new());
    for workload in &workloads {
        let alone = workloads.len() == 1 && !args.kernels;
        let line = if alone { here(&args, *workload)? } else { elsewhere(&args, workload.name)? };
        if !line.loss_agrees {
            out::words(&text::wrong(workload, &line));
        }
        json += &json_line(&args, &line)?;
        lines.push(line);
    }
    let table = if args.kernels { Some(kernel_table(&args)?) } else { None };
    if let Some(table) = &table {
        json += &json_line(&args, table)?;
    }
    write_files(&args, &json, &lines, table.as_ref())?;
    let changes = changes(&args, &earlier, &lines)?;
    if args.json.is_none() {
        out::result(&text::page(&lines, table.as_ref().map(|t| (&t.peaks, t.kernels.as_slice())), &changes))?;
    } else if !changes.is_empty() {
        out::words(&text::changes(&changes));
    }
    Ok(lines.iter().all(|line| line.loss_agrees) && changes.iter().all(|c| c.verdict != Verdict::Slower))
}

/// The workloads asked for; without a name all of them, or none where the kernels are asked for.
fn chosen(args: &args::Bench) -> anyhow::Result<Vec<Workload>> {
    if let Some(name) = args.json.as_deref().and_then(Path::to_str)
        && WORKLOADS.iter().any(|w| w.name == name)
    {
        anyhow::bail!(
            "--json {name} would write a file called {name}. Put the workload first: wgrad bench {name} --json"
        );
    }
    let chosen: Vec<Workload> = match args.workloads.as_slice() {
        [] if args.kernels => Vec::new(),
        [] => WORKLOADS.to_vec(),
        names => names.iter().map(|name| Workload::by_name(name)).collect::<Result<_, Error>>()?,
    };
    if args.trace.is_some() && chosen.len() != 1 {
        anyhow::bail!(
            "--trace shows the steps of one workload, not of {}. Name one: wgrad bench digits --trace FILE",
            chosen.len()
        );
    }
    Ok(chosen)
}

/// The results to compare with, read before anything is measured.
fn earlier(args: &args::Bench, workloads: &[Workload]) -> anyhow::Result<Vec<Line>> {
    let Some(path) = &args.compare else { return Ok(Vec::new()) };
    let earlier = compare::read(path)?;
    if let Some(missing) = workloads.iter().find(|w| earlier.iter().all(|l| l.workload != w.name)) {
        let names: Vec<&str> = earlier.iter().map(|l| l.workload.as_str()).collect();
        anyhow::bail!("{}: there is no {} to compare with, only {}", path.display(), missing.name, names.join(", "));
    }
    Ok(earlier)
}

/// Each result against its earlier one.
fn changes(args: &args::Bench, earlier: &[Line], lines: &[Line]) -> anyhow::Result<Vec<Change>> {
    let Some(path) = &args.compare else { return Ok(Vec::new()) };
    let change = |now: &Line| Ok(Change::new(compare::find(earlier, path, &now.workload, &now.adapter)?, now));
    lines.iter().map(change).collect()
}

/// A result as a line of JSON. On stdout it comes at once, as results do.
fn json_line(args: &args::Bench, value: &impl Serialize) -> anyhow::Result<String> {
    let line = serde_json::to_string(value)?;
    if args.json.as_deref() == Some(Path::new("-")) {
        out::result(&line)?;
    }
    Ok(line + "\n")
}

/// Writes what the options name files for: results, trace, roofline.
fn write_files(args: &args::Bench, json: &str, lines: &[Line], table: Option<&KernelTable>) -> anyhow::Result<()> {
    if let Some(target) = args.json.as_deref().filter(|target| *target != Path::new("-")) {
        out::file(target, json)?;
    }
    if let (Some(target), Some(line)) = (&args.trace, lines.first())
        && let Some(profile) = &line.profile
    {
        out::file(target, &trace(&line.workload, &line.adapter, profile))?;
    }
    if let Some(target) = &args.roofline {
        let profiles = || lines.iter().filter_map(|l| l.profile.as_ref().map(|p| (l, p)));
        let mut groups: Vec<Group<'_>> = profiles().map(|(l, p)| (l.workload.as_str(), &*p.dispatches)).collect();
        groups.extend(table.map(|t| ("kernel table", t.kernels.as_slice())));
        let first = profiles().next().map(|(l, p)| (l.adapter.as_str(), &p.peaks));
        let Some((adapter, peaks)) = first.or(table.map(|t| (t.adapter.as_str(), &t.peaks))) else { return Ok(()) };
        out::file(target, &roofline(adapter, peaks, &groups))?;
    }
    Ok(())
}

/// Whether dispatches are timed one by one.
fn profiles(args: &args::Bench) -> bool {
    args.profile || args.trace.is_some() || args.roofline.is_some()
}

/// Measures in this process.
fn here(args: &args::Bench, workload: Workload) -> anyhow::Result<Line> {
    let profile = profiles(args);
    let device = args.ways.choose(if profile { args.device.open_to_profile()? } else { args.device.open()? })?;
    if !args.child {
        out::device(&device);
    }
    let switches = args.ways.switches.parse()?;
    // Tuners, caches and clocks have settled after a second, also in the peers.
    let settings = Settings { seconds: args.seconds, warm_up_s: 1.0, profile, switches };
    Ok(pollster::block_on(measure(&device, workload, settings))?)
}

/// Measures in a process of its own: the time to the first step and the memory are those of a process, and a driver's state
/// is not that which another workload left.
fn elsewhere(args: &args::Bench, name: &str) -> anyhow::Result<Line> {
    let program = std::env::current_exe().context("the program's own file was not found")?;
    let mut command = Command::new(program);
    command.args(["bench", name, "--json", "--child", "--seconds", &args.seconds.to_string()]);
    command.arg("--device").args(args.device.device.to_possible_value().iter().map(PossibleValue::get_name));
    if let Some(adapter) = &args.device.adapter {
        command.args(["--adapter", adapter]);
    }
    if profiles(args) {
        command.arg("--profile");
    }
    command.arg("--tuning").arg(args.ways.tuning.as_arg());
    command.args(args.ways.switches.without.iter().flat_map(|name| ["--without", name]));
    let ended = command.stderr(Stdio::inherit()).output().context("the program could not start itself")?;
    let text = String::from_utf8_lossy(&ended.stdout);
    serde_json::from_str(text.trim()).with_context(|| format!("workload {name} gave no result ({})", ended.status))
}

/// Times every kernel by itself.
fn kernel_table(args: &args::Bench) -> anyhow::Result<KernelTable> {
    let device = args.device.open_to_profile()?;
    out::device(&device);
    let peaks = pollster::block_on(Peaks::measure(&device))?;
    let measured = Kernel::ALL.iter().map(|kernel| pollster::block_on(measure_kernel(&device, *kernel, &peaks)));
    let kernels = measured.collect::<Result<Vec<_>, Error>>()?.concat();
    Ok(KernelTable { adapter: device.name().into(), peaks, kernels })
}
