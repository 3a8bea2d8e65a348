//! `wgrad bench`

use super::{args, out};
use crate::bench::{Line, Settings, WORKLOADS, Workload, measure};
use crate::error::Error;
use anyhow::Context;
use std::fmt::Write;
use std::process::{Command, Stdio};

pub fn run(args: args::Bench) -> anyhow::Result<bool> {
    let workloads = chosen(&args)?;
    let mut lines = Vec::new();
    for workload in &workloads {
        let line = if workloads.len() == 1 { here(&args, *workload)? } else { elsewhere(&args, workload.name)? };
        if !line.loss_agrees {
            out::words(&wrong(workload, &line));
        }
        let text = serde_json::to_string(&line)?;
        if args.json.as_deref().is_some_and(|target| target.as_os_str() == "-") {
            out::result(&text)?;
        }
        lines.push((line, text));
    }
    match &args.json {
        Some(target) if target.as_os_str() != "-" => {
            out::file(target, &lines.iter().map(|(_, text)| format!("{text}\n")).collect::<String>())?;
        }
        Some(_) => {}
        None => out::result(&table(lines.iter().map(|(line, _)| line)))?,
    }
    Ok(lines.iter().all(|(line, _)| line.loss_agrees))
}

/// The workloads asked for, all of them where none is.
fn chosen(args: &args::Bench) -> anyhow::Result<Vec<Workload>> {
    if let Some(name) = args.json.as_deref().and_then(|f| f.to_str())
        && WORKLOADS.iter().any(|w| w.name == name)
    {
        anyhow::bail!(
            "--json {name} would write a file called {name}. Put the workload first: wgrad bench {name} --json"
        );
    }
    if args.workloads.is_empty() {
        return Ok(WORKLOADS.to_vec());
    }
    Ok(args.workloads.iter().map(|name| Workload::by_name(name)).collect::<Result<_, Error>>()?)
}

/// Measures in this process.
fn here(args: &args::Bench, workload: Workload) -> anyhow::Result<Line> {
    let device = args.device.open()?;
    if !args.child {
        out::words(&format!("device    {} ({})", device.name(), device.reason()));
    }
    Ok(pollster::block_on(measure(&device, workload, Settings::seconds(args.seconds)))?)
}

/// Measures in a process of its own: the time to the first step and the memory are those of a process, and a driver's state
/// is not that which another workload left.
fn elsewhere(args: &args::Bench, name: &str) -> anyhow::Result<Line> {
    let program = std::env::current_exe().context("the program's own file was not found")?;
    let mut command = Command::new(program);
    command.args(["bench", name, "--json", "--child", "--seconds", &args.seconds.to_string()]);
    command.args(["--device", args.device.device.name()]);
    if let Some(adapter) = &args.device.adapter {
        command.args(["--adapter", adapter]);
    }
    let ended = command.stderr(Stdio::inherit()).output().context("the program could not start itself")?;
    let text = String::from_utf8_lossy(&ended.stdout);
    serde_json::from_str(text.trim()).with_context(|| format!("workload {name} gave no result ({})", ended.status))
}

fn wrong(workload: &Workload, line: &Line) -> String {
    let found = line.loss_check.map_or("no number".to_string(), |l| format!("{l:.7}"));
    format!(
        "{}: WRONG: the loss of step {} is {found}, that of the peers {}: this device computes something else",
        workload.name, workload.check_steps, workload.expected_loss
    )
}

fn table<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    let mut text = String::from(
        "workload      steps/s (spread)      samples/s  GFLOP/s  first step  peak RSS  us/step host  loss check\n",
    );
    for l in lines {
        let memory = l.peak_rss_mib.map_or("-".to_string(), |m| format!("{m:.0} MiB"));
        let loss = l.loss_check.map_or("no number".to_string(), |l| format!("{l:.6}"));
        let mark = if l.loss_agrees { "ok" } else { "WRONG" };
        let _ = writeln!(
            text,
            "{:<12} {:>10} ({:>4.1} %) {:>16} {:>8.2} {:>9.3} s {:>9} {:>13.2}  {loss} {mark}",
            l.workload,
            digits(l.steps_per_s),
            100.0 * l.repetitions.relative(),
            digits(l.samples_per_s),
            l.gflop_per_s,
            l.first_step_s,
            memory,
            l.work.host_us_per_step
        );
    }
    text
}

/// Three digits after the point below 100, none above.
fn digits(x: f64) -> String {
    if x < 100.0 { format!("{x:.3}") } else { out::count(x.round() as u64) }
}
