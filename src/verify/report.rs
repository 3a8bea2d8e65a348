//! The verdict for people and for CI: text, Markdown, JUnit.

use super::{Row, Verdict};
use std::fmt::Write;

/// A step's rows are shown in full for this many steps; longer runs show each step's worst row.
const FULL_STEPS: usize = 2;

/// The table on the terminal.
pub fn text(verdict: &Verdict) -> String {
    let mut out = String::new();
    let full = verdict.steps.len() <= FULL_STEPS;
    for step in &verdict.steps {
        let _ = writeln!(
            out,
            "step {}: loss {:.9} on the device, {:.9} on {}; parameters drifted {:.2e} (cpu f32: {:.2e})",
            step.step, step.loss_found, step.loss_expected, verdict.reference, step.drift.device, step.drift.cpu_f32
        );
        if full {
            let _ = writeln!(
                out,
                "  {:<34} {:<20} {:<12} {:>9} {:>9} {:>9} {:>9}",
                "value", "kernel", "shape", "max abs", "max ULP", "local", "total"
            );
            step.rows.iter().for_each(|row| text_row(&mut out, row));
        } else if let Some(row) = step.rows.iter().max_by(|a, b| a.max_ratio().total_cmp(&b.max_ratio())) {
            text_row(&mut out, row);
        }
    }
    if full {
        out.push_str(
            "local and total are the largest error / bound: from the device's own operands, and from the start\n",
        );
    }
    let _ = write!(out, "{}", conclusion(verdict));
    out
}

fn text_row(out: &mut String, row: &Row) {
    let mark = if row.passed() { "ok" } else { "FAILED" };
    let shape = format!("{:?}", row.total.shape);
    let _ = writeln!(
        out,
        "  {:<34} {:<20} {shape:<12} {:>9.2e} {:>9.1} {:>9.4} {:>9.4} {mark}",
        row.name, row.kernel, row.total.max_abs, row.local.max_ulp, row.local.max_ratio, row.total.max_ratio
    );
    if let Some(fault) = row.fault() {
        let _ = writeln!(out, "      {fault}");
    }
}

/// One sentence: passed or not, how close, with which slack.
pub fn conclusion(verdict: &Verdict) -> String {
    let rows: usize = verdict.steps.iter().map(|s| s.rows.len()).sum();
    let (device, reference) = (&verdict.device, &verdict.reference);
    let slack =
        if verdict.slack == 1.0 { "slack 1".into() } else { format!("bounds WIDENED by slack {}", verdict.slack) };
    match verdict.first_fault() {
        None => format!(
            "passed: {device} against {reference}, {rows} values in {} steps, largest error/bound {:.4}, {slack}",
            verdict.steps.len(),
            verdict.worst().map_or(0.0, |(_, row)| row.max_ratio())
        ),
        Some((step, row)) => format!(
            "FAILED: {device} against {reference}: the first node at fault is {} (kernel {}) in step {step}: {}; {slack}",
            row.name,
            row.kernel,
            row.fault().unwrap_or_default()
        ),
    }
}

/// A table for a CI job summary.
pub fn markdown(verdict: &Verdict) -> String {
    let mut out = format!("### wgrad verify\n\n{}\n\n", conclusion(verdict));
    out.push_str("| step | value | kernel | shape | max abs | max rel | max ULP | local | total | |\n");
    out.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    for step in &verdict.steps {
        for row in &step.rows {
            let mark = if row.passed() { "ok" } else { "**FAILED**" };
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {:?} | {:.2e} | {:.2e} | {:.1} | {:.4} | {:.4} | {mark} |",
                step.step,
                row.name,
                row.kernel,
                row.total.shape,
                row.total.max_abs,
                row.total.max_rel,
                row.local.max_ulp,
                row.local.max_ratio,
                row.total.max_ratio
            );
        }
    }
    out
}

/// JUnit XML: a test case for each value of each step.
pub fn junit(verdict: &Verdict) -> String {
    let rows = || verdict.steps.iter().flat_map(|s| s.rows.iter().map(move |r| (s.step, r)));
    let failures = rows().filter(|(_, r)| !r.passed()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"wgrad verify, {}, slack {}\" tests=\"{}\" \
         failures=\"{failures}\">\n",
        escape(&verdict.device),
        verdict.slack,
        rows().count()
    );
    for (step, row) in rows() {
        let _ = write!(out, "  <testcase classname=\"step {step}\" name=\"{}\"", escape(&row.name));
        match row.fault() {
            None => out.push_str("/>\n"),
            Some(fault) => {
                let _ = writeln!(out, "><failure message=\"{}\"/></testcase>", escape(&fault));
            }
        }
    }
    out.push_str("</testsuite>\n");
    out
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
