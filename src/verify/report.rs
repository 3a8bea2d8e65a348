//! The verdict for people and for CI: text, Markdown, JUnit.

use super::Verdict;
use crate::compare::Comparison;
use std::fmt::Write;

/// A step's rows are shown in full for this many steps; longer runs show each step's worst row.
const FULL_STEPS: usize = 3;

/// The table on the terminal.
pub fn text(verdict: &Verdict) -> String {
    let mut out = String::new();
    for step in &verdict.steps {
        let _ = writeln!(
            out,
            "step {}: loss {:.9} on the device, {:.9} on {}",
            step.step, step.loss_found, step.loss_expected, verdict.reference
        );
        if verdict.steps.len() <= FULL_STEPS {
            let _ =
                writeln!(out, "  {:<38} {:<12} {:>10} {:>10} {:>12}", "", "shape", "max abs", "max rel", "error/bound");
            step.rows.iter().for_each(|row| text_row(&mut out, row));
        } else if let Some(row) = step.rows.iter().max_by(|a, b| a.max_ratio.total_cmp(&b.max_ratio)) {
            text_row(&mut out, row);
        }
    }
    let _ = write!(out, "{}", conclusion(verdict));
    out
}

fn text_row(out: &mut String, row: &Comparison) {
    let mark = if row.passed { "ok" } else { "FAILED" };
    let shape = format!("{:?}", row.shape);
    let _ = writeln!(
        out,
        "  {:<38} {shape:<12} {:>10.2e} {:>10.2e} {:>12.4} {mark}",
        row.name, row.max_abs, row.max_rel, row.max_ratio
    );
    if let Some(fault) = &row.fault {
        let _ = writeln!(out, "      {fault}");
    }
}

fn conclusion(verdict: &Verdict) -> String {
    let rows: usize = verdict.steps.iter().map(|s| s.rows.len()).sum();
    let worst = verdict.worst().map_or(0.0, |(_, row)| row.max_ratio);
    match verdict.first_fault() {
        None => format!(
            "passed: {} against {}, {rows} tensors in {} steps, largest error/bound {worst:.4}",
            verdict.device,
            verdict.reference,
            verdict.steps.len()
        ),
        Some((step, row)) => format!(
            "FAILED: {} against {}: {} is the first at fault, in step {step}: {}",
            verdict.device,
            verdict.reference,
            row.name,
            row.fault.as_deref().unwrap_or("outside its bound")
        ),
    }
}

/// A table for a CI job summary.
pub fn markdown(verdict: &Verdict) -> String {
    let mut out = format!("### wgrad verify\n\n{}\n\n", conclusion(verdict));
    out.push_str("| step | tensor | shape | max abs | max rel | error/bound | |\n|---|---|---|---|---|---|---|\n");
    for step in &verdict.steps {
        for row in &step.rows {
            let mark = if row.passed { "ok" } else { "**FAILED**" };
            let _ = writeln!(
                out,
                "| {} | `{}` | {:?} | {:.2e} | {:.2e} | {:.4} | {mark} |",
                step.step, row.name, row.shape, row.max_abs, row.max_rel, row.max_ratio
            );
        }
    }
    out
}

/// JUnit XML: a test case for each tensor of each step.
pub fn junit(verdict: &Verdict) -> String {
    let rows = || verdict.steps.iter().flat_map(|s| s.rows.iter().map(move |r| (s.step, r)));
    let failures = rows().filter(|(_, r)| !r.passed).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"wgrad verify, {}\" tests=\"{}\" failures=\"{failures}\">\n",
        escape(&verdict.device),
        rows().count()
    );
    for (step, row) in rows() {
        let _ = write!(out, "  <testcase classname=\"step {step}\" name=\"{}\"", escape(&row.name));
        match &row.fault {
            None => out.push_str("/>\n"),
            Some(fault) => {
                let _ = writeln!(out, "><failure message=\"{}\"/></testcase>", escape(fault));
            }
        }
    }
    out.push_str("</testsuite>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
