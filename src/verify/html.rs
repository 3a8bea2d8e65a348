//! The verdict as a page: one HTML file that needs nothing else, neither network nor script, in the look of a run's report.

mod graph;
pub mod layout;
mod table;

use super::report::{conclusion, full_steps, slack_words};
use super::{Row, Step, Verdict};
use crate::report::html::axis::Axis;
use crate::report::html::chart::{Chart, Curve};
use crate::report::html::format::{Esc, count, value};
use crate::report::html::{card, page};
use std::collections::BTreeSet;

/// The name of the CPU in f32, whose drift stands beside that of every other device.
const CPU_F32: &str = "cpu (f32)";
/// Steps that fail are all listed up to this many, and so many steps in all; the page must stay small for 10,000 steps.
const LISTED_STEPS: usize = 200;

/// How a value stands, which is also its class in the style sheet: "inherited" is right for its operands, which are wrong;
/// "failed" is at fault itself, or out of bounds without an operand that is.
fn standing(row: &Row) -> &'static str {
    match (row.passed(), &row.inherited_from) {
        (true, _) => "passed",
        (false, Some(_)) => "inherited",
        (false, None) => "failed",
    }
}

/// The verdict on `subject` (a spec or a run, for the title) as one self-contained HTML file.
///
/// Every text is escaped and every number may be NaN or infinite. Steps in full are the first, the last, the worst and the
/// first at fault, so that the file stays below 2 MB.
pub fn render(verdict: &Verdict, subject: &str) -> String {
    let full = full_steps(verdict);
    let listed = verdict.steps.iter().filter(|s| full.contains(&s.step));
    let tables: String = listed.map(|s| table::step(s, full.len() == 1)).collect();
    let fault = verdict.first_fault().map(|f| f.1);
    let shown = focus(verdict).map(|step| graph::render(step, fault)).unwrap_or_default();
    let body =
        [header(verdict, subject), cards(verdict), shown, drift(verdict), steps(verdict, &full), tables, legend()];
    let version = env!("CARGO_PKG_VERSION");
    page(&format!("{subject} · wgrad verify"), include_str!("html/style.css"), &body.concat(), version)
}

fn header(verdict: &Verdict, subject: &str) -> String {
    let (class, word) = if verdict.passed { ("good", "passed") } else { ("bad", "FAILED") };
    let steps = verdict.steps.len();
    let mut out = format!(
        "<header><div class=\"title\"><h1>{}</h1><span class=\"badge {class}\">{word}</span></div>\n\
         <p class=\"lead\">{} against {} · {} train step{} · {} values · {}</p>\n",
        Esc(subject),
        Esc(&verdict.device),
        Esc(&verdict.reference),
        count(steps as u64),
        if steps == 1 { "" } else { "s" },
        count(verdict.rows().count() as u64),
        Esc(&slack_words(verdict.slack)),
    );
    if !verdict.passed {
        out += &format!("<p class=\"banner bad fault\">{}</p>\n", Esc(&conclusion(verdict)));
    }
    if verdict.slack != 1.0 {
        out += &format!(
            "<p class=\"banner slack\"><b>{}.</b> Only slack 1 is the proof: each ratio below is of a bound that was \
             multiplied by {}.</p>\n",
            Esc(&slack_words(verdict.slack)),
            Esc(&verdict.slack.to_string())
        );
    }
    out + "</header>\n"
}

fn cards(verdict: &Verdict) -> String {
    let all = verdict.rows().count();
    let good = verdict.rows().filter(|(_, r)| r.passed()).count();
    let mut cards = vec![card(
        "Values within their bound",
        &format!("{} of {}", count(good as u64), count(all as u64)),
        "each compared locally and in total",
        if good == all { "main" } else { "wrong" },
    )];
    if let Some((step, row)) = verdict.worst() {
        let at = format!("{} in step {step}", row.name);
        cards.push(card("Largest error / bound", &ratio(row.max_ratio()), &at, ""));
    }
    let slack_class = if verdict.slack == 1.0 { "" } else { "wrong" };
    cards.push(card("Slack", &verdict.slack.to_string(), "factor on every bound", slack_class));
    if let Some(last) = verdict.steps.last() {
        let judged = format!("{} says {}", verdict.reference, value(last.loss_expected));
        cards.push(card("Loss of the last step", &value(last.loss_found), &judged, ""));
        let beside = format!("{CPU_F32}: {}; RMS of the parameters", figure(last.drift.cpu_f32));
        cards.push(card("Drift from f64", &figure(last.drift.device), &beside, ""));
    }
    format!("<section class=\"cards\">\n{}</section>\n", cards.concat())
}

/// The step that the graph shows: the first at fault, else the one with the largest ratio.
fn focus(verdict: &Verdict) -> Option<&Step> {
    let number = verdict.first_fault().or_else(|| verdict.worst())?.0;
    verdict.steps.iter().find(|s| s.step == number)
}

/// The drift curve of runs of more than one step.
fn drift(verdict: &Verdict) -> String {
    if verdict.steps.len() < 2 {
        return String::new();
    }
    let curve = |of: fn(&Step) -> f64| -> Vec<(f64, f64)> {
        let all = verdict.steps.iter().map(|s| (s.step as f64, of(s)));
        // A drift of exactly 0 has no place on a logarithmic axis and is no gap either.
        all.filter(|p| p.1 != 0.0).collect()
    };
    let device = curve(|s| s.drift.device);
    let cpu = curve(|s| s.drift.cpu_f32);
    let y = Axis::of_positive(device.iter().chain(&cpu).map(|p| p.1));
    // Of the CPU itself there is only one curve.
    let alone = verdict.device == CPU_F32;
    let note = |s: &Step| {
        let beside = if alone { String::new() } else { format!("\n{CPU_F32} {}", figure(s.drift.cpu_f32)) };
        (s.step as f64, format!("step {}\n{} {}{beside}", s.step, verdict.device, figure(s.drift.device)))
    };
    let mut curves = vec![
        Curve { name: CPU_F32, class: "validation", points: cpu },
        Curve { name: &verdict.device, class: "train", points: device },
    ];
    if alone {
        curves.remove(0);
    }
    let mut x = Axis::exact(1.0, verdict.steps.len() as f64);
    // There is no step 1.5.
    x.ticks.retain(|t| t.0.fract().abs() < 1e-9);
    x.ticks.iter_mut().for_each(|t| t.1 = count(t.0.round() as u64));
    let chart = Chart {
        title: "Drift from f64",
        y_title: "RMS distance of the parameters from the trajectory in f64",
        x_title: "step",
        x,
        y,
        curves,
        notes: verdict.steps.iter().map(note).collect(),
    };
    format!("<div class=\"charts\">\n{}</div>\n", chart.render())
}

/// One line a step, thinned evenly where there are many; steps that fail and steps shown in full are kept.
fn steps(verdict: &Verdict, full: &BTreeSet<usize>) -> String {
    let total = verdict.steps.len();
    if total < 2 {
        return String::new();
    }
    let stride = total.div_ceil(LISTED_STEPS);
    let failing = verdict.steps.iter().enumerate().filter(|(_, s)| s.failed() > 0).map(|(i, _)| i);
    let mut shown: BTreeSet<usize> = failing.take(LISTED_STEPS).chain((0..total).step_by(stride)).collect();
    shown.extend(verdict.steps.iter().enumerate().filter(|(_, s)| full.contains(&s.step)).map(|(i, _)| i));
    let rows: String = shown.iter().map(|i| step_line(&verdict.steps[*i])).collect();
    let thinned = match shown.len() {
        n if n == total => String::new(),
        n => format!(", {} shown", count(n as u64)),
    };
    format!(
        "<details class=\"card\"{}><summary><h2>Steps</h2><span class=\"small\">{}{thinned}</span></summary>\
         <div class=\"scroll\"><table class=\"list steps\"><thead><tr><th scope=\"col\">step</th><th scope=\"col\">verdict</th>\
         <th scope=\"col\">loss, device</th><th scope=\"col\">loss, f64</th><th scope=\"col\">largest ratio</th>\
         <th scope=\"col\">of</th><th scope=\"col\">drift, device</th><th scope=\"col\">drift, cpu (f32)</th></tr></thead>\
         <tbody>\n{rows}</tbody></table></div></details>\n",
        if total <= 20 { " open=\"open\"" } else { "" },
        count(total as u64)
    )
}

fn step_line(step: &Step) -> String {
    let (worst, failed) = (step.worst(), step.failed());
    let (class, verdict) =
        if failed == 0 { ("passed", "passed".into()) } else { ("failed", format!("{failed} FAILED")) };
    format!(
        "<tr class=\"{class}\"><th scope=\"row\">{}</th><td>{verdict}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td>{}</td></tr>\n",
        step.step,
        digits(step.loss_found),
        digits(step.loss_expected),
        worst.map_or(String::new(), |r| ratio(r.max_ratio())),
        Esc(worst.map_or("", |r| &r.name)),
        figure(step.drift.device),
        figure(step.drift.cpu_f32)
    )
}

fn legend() -> String {
    "<section class=\"card words\"><h2>What is compared</h2>\n\
     <p><b>local</b>: the judge computes the value from the device's own operands, so that only the rounding of that one \
     dispatch may differ. <b>total</b>: the judge computes the whole step from its own start in f64. A value that passes \
     locally and fails in total has inherited the fault of an operand.</p>\n\
     <p><b>ratio</b> is the largest error / bound over the elements. The bound of each element is derived from the lengths \
     of its sums and the accuracy that WGSL states, not chosen; a value passes if no ratio is above 1. The worst element is \
     the one with that ratio.</p></section>\n"
        .to_owned()
}

/// An error to three digits: "2.88e-9", "0", "NaN".
fn figure(v: f64) -> String {
    if v.is_finite() && v != 0.0 { format!("{v:.2e}") } else { value(v) }
}

/// A value to nine digits, which tell every f32 from its neighbours.
fn digits(v: f64) -> String {
    if !v.is_finite() || v == 0.0 {
        return value(v);
    }
    let exponent = v.abs().log10().floor() as i32;
    let decimals = (8 - exponent).max(0) as usize;
    if (-4..8).contains(&exponent) { format!("{v:.decimals$}") } else { format!("{v:.8e}") }
}

/// error / bound.
fn ratio(v: f64) -> String {
    if v.is_finite() && v != 0.0 && v < 1e4 { format!("{v:.4}") } else { value(v) }
}
