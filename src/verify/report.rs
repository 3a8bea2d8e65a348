//! The verdict for people and for CI: text, Markdown, JUnit.

use super::{Row, Verdict};
use crate::report::html::format::Esc;
use std::collections::BTreeSet;
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
        } else if let Some(row) = step.worst() {
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
    let Verdict { device, reference, .. } = verdict;
    let word = if verdict.passed { "passed" } else { "FAILED" };
    let finding = finding(verdict);
    let finding = finding.strip_prefix(word).unwrap_or(&finding);
    format!("{word}: {device} against {reference}{finding}, {}", slack_words(verdict.slack))
}

/// [`conclusion`] without the devices and the slack.
pub(super) fn finding(verdict: &Verdict) -> String {
    let rows = verdict.rows().count();
    let steps = verdict.steps.len();
    match verdict.first_fault() {
        None => format!(
            "passed: {rows} values in {steps} step{}, largest error/bound {}",
            if steps == 1 { "" } else { "s" },
            verdict
                .worst()
                .map_or("0".into(), |(step, row)| { format!("{:.4} ({} in step {step})", row.max_ratio(), row.name) })
        ),
        Some((step, row)) => format!(
            "FAILED: the first node at fault is {} (kernel {}) in step {step}: {}",
            row.name,
            row.kernel,
            row.fault().unwrap_or_default()
        ),
    }
}

/// The slack as every output shows it: quiet at 1, loud otherwise.
pub(super) fn slack_words(slack: f64) -> String {
    match slack {
        1.0 => "slack 1".into(),
        x if x > 1.0 => format!("bounds WIDENED by slack {x}"),
        x => format!("bounds TIGHTENED by slack {x}"),
    }
}

/// Steps whose values are listed in full where space is short: the first, the last, the worst, the first at fault.
pub(super) fn full_steps(verdict: &Verdict) -> BTreeSet<usize> {
    let ends = verdict.steps.first().into_iter().chain(verdict.steps.last()).map(|s| s.step);
    ends.chain(verdict.worst().map(|w| w.0)).chain(verdict.first_fault().map(|f| f.0)).collect()
}

/// A table for a CI job summary, which takes up to 1 MiB: of many steps only some are in it, and it says which.
pub fn markdown(verdict: &Verdict) -> String {
    let mut out = format!("### wgrad verify\n\n{}\n\n", cell(&conclusion(verdict)));
    out.push_str("| step | value | kernel | shape | max abs | max rel | max ULP | local | total | |\n");
    out.push_str("|---:|---|---|---|---:|---:|---:|---:|---:|---|\n");
    let full = full_steps(verdict);
    for step in verdict.steps.iter().filter(|s| full.contains(&s.step)) {
        for row in &step.rows {
            let mark = match (row.passed(), &row.inherited_from) {
                (true, _) => "ok".into(),
                (false, Some(from)) => format!("**FAILED**, inherited from {}", code(from)),
                (false, None) => "**FAILED**".into(),
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {:?} | {:.2e} | {:.2e} | {:.1} | {:.4} | {:.4} | {mark} |",
                step.step,
                code(&row.name),
                cell(&row.kernel),
                row.total.shape,
                row.total.max_abs,
                row.total.max_rel,
                row.local.max_ulp,
                row.local.max_ratio,
                row.total.max_ratio
            );
        }
    }
    let hidden = verdict.steps.len() - full.len();
    if hidden > 0 {
        let _ = writeln!(
            out,
            "\n{hidden} further steps are not listed: here are the first, the last, the one with the largest ratio and the \
             first at fault."
        );
    }
    out.push_str(
        "\nlocal and total are the largest error / bound: from the device's own operands, and from the start.\n",
    );
    out
}

/// Text that stays within its cell and is no markup.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// A name in code style. A backtick cannot be escaped there, and a bar would end the cell even there.
pub(super) fn code(text: &str) -> String {
    let safe = text.replace('`', "'").replace('|', "\\|");
    format!("`{}`", safe.replace(char::is_control, " "))
}

/// JUnit XML: a test case for each value of each step.
pub fn junit(verdict: &Verdict) -> String {
    let failures = verdict.rows().filter(|(_, r)| !r.passed()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"wgrad verify, {}, {}\" tests=\"{}\" \
         failures=\"{failures}\" errors=\"0\">\n",
        Esc(&verdict.device),
        slack_words(verdict.slack),
        verdict.rows().count()
    );
    let properties = [
        ("device", verdict.device.clone()),
        ("reference", verdict.reference.clone()),
        ("slack", verdict.slack.to_string()),
    ];
    out.push_str("  <properties>\n");
    for (name, value) in &properties {
        let _ = writeln!(out, "    <property name=\"{name}\" value=\"{}\"/>", Esc(value));
    }
    out.push_str("  </properties>\n");
    for (step, row) in verdict.rows() {
        let _ = write!(out, "  <testcase classname=\"step {step}\" name=\"{}\"", Esc(&row.name));
        match row.fault() {
            None => out.push_str("/>\n"),
            Some(fault) => {
                let fault =
                    format!("kernel {} {:?}: {fault}; {}", row.kernel, row.total.shape, slack_words(verdict.slack));
                let _ = writeln!(out, "><failure message=\"{}\"/></testcase>", Esc(&fault));
            }
        }
    }
    out.push_str("</testsuite>\n");
    out
}
