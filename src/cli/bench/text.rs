//! The tables of `wgrad bench`, for people.

use crate::bench::compare::{Change, Verdict};
use crate::bench::peaks::Peaks;
use crate::bench::profile::{DispatchLine, StepProfile};
use crate::bench::{Line, Workload};
use crate::cli::out;
use crate::exec::profile::Method;
use std::fmt::Write;

/// Everything, one part after the other.
pub fn page(lines: &[Line], kernels: Option<(&Peaks, &[DispatchLine])>, changed: &[Change]) -> String {
    let mut parts = Vec::from_iter((!lines.is_empty()).then(|| workloads(lines)));
    parts.extend(lines.iter().filter_map(|line| Some(step(&line.workload, line.profile.as_ref()?))));
    parts.extend(kernels.map(|(measured, lines)| format!("{}\n{}", peaks(measured), dispatches(lines))));
    parts.extend((!changed.is_empty()).then(|| changes(changed)));
    parts.join("\n")
}

/// What to say of a loss that is not the expected one.
pub fn wrong(workload: &Workload, line: &Line) -> String {
    let found = line.loss_check.map_or("no number".to_string(), |l| format!("{l:.7}"));
    format!(
        "{}: WRONG: the loss of step {} is {found}, other frameworks reach {:.7}: this device computes something else",
        workload.name, workload.check_steps, workload.expected_loss
    )
}

fn workloads(lines: &[Line]) -> String {
    let mut text = String::from(
        "workload      steps/s (spread)      samples/s  GFLOP/s  first step  peak RSS  host us/step  loss check\n",
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
    if let Some(tuning) = lines.iter().find_map(|line| line.tuning.as_ref()) {
        let _ = writeln!(text, "tuning       {tuning}");
    }
    text
}

fn step(workload: &str, profile: &StepProfile) -> String {
    let how = match profile.method {
        Method::Timestamps => "by the device's timestamps around each dispatch",
        Method::Repetition => "by repetition: the adapter has no timestamps",
        Method::Clock => "by the host's clock around each call",
    };
    format!(
        "{workload}: a training step, {how}\n{}{}sum of the dispatches {:.1} us, a step in training {:.1} us\n",
        peaks(&profile.peaks),
        dispatches(&profile.dispatches),
        profile.sum_us,
        profile.step_us
    )
}

fn peaks(p: &Peaks) -> String {
    let us = |t: Option<f64>| t.map_or("none".to_string(), |t| format!("{t:.1} us"));
    format!(
        "peaks: {:.1} GFLOP/s f32; f16 matrix {}; read {:.1} GB/s, write {:.1} GB/s, cache {:.1} GB/s; dispatch {:.2} us, submit \
         {}, read-back {}\n",
        p.gflop_per_s,
        p.f16_matrix,
        p.read_gb_per_s,
        p.write_gb_per_s,
        p.cached_gb_per_s,
        p.dispatch_us,
        us(p.submit_us),
        us(p.read_back_us)
    )
}

fn dispatches(lines: &[DispatchLine]) -> String {
    let mut text = String::from(
        "  kernel                  time us (spread)       FLOP      bytes   GFLOP/s      GB/s  of bound  bound by   what\n",
    );
    for d in lines {
        let _ = writeln!(
            text,
            "  {:<22} {:>9.2} ({:>3.0} %) {:>10} {:>10} {:>9.2} {:>9.2} {:>7.1} %  {:<9}  {}",
            d.kernel,
            d.time_us.median,
            100.0 * d.time_us.relative(),
            scaled(d.flops),
            scaled(d.bytes),
            d.gflop_per_s,
            d.gb_per_s,
            100.0 * d.share_of_peak,
            d.bound.name(),
            d.label
        );
    }
    text
}

/// The verdicts of `--compare`.
pub fn changes(changes: &[Change]) -> String {
    let mut text = String::from("workload      steps/s before         now   ratio   noise  verdict\n");
    for c in changes {
        let verdict = match c.verdict {
            Verdict::Faster => "faster",
            Verdict::Same => "the same within the noise",
            Verdict::Slower => "SLOWER",
        };
        let (ratio, noise) = (c.now / c.before, 100.0 * c.noise);
        let (before, now) = (digits(c.before), digits(c.now));
        let _ = writeln!(text, "{:<12} {before:>15} {now:>11} {ratio:>7.3} {noise:>5.1} %  {verdict}", c.workload);
    }
    text
}

/// Three digits after the point below 100, none above.
fn digits(x: f64) -> String {
    if x < 100.0 { format!("{x:.3}") } else { out::count(x.round() as u64) }
}

/// Three digits and a power of a thousand.
fn scaled(n: u64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let unit = units.iter().find(|(size, _)| n as f64 >= *size);
    unit.map_or(n.to_string(), |(size, name)| format!("{:.2} {name}", n as f64 / size))
}
