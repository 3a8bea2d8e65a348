//! Where the time of a train step goes, kernel by kernel.

use super::format::{Esc, seconds};
use super::{folding, row};
use crate::report::RunReport;

/// Dispatches listed; the rest is one line.
const LISTED: usize = 24;

/// The section, or nothing.
pub fn render(report: &RunReport) -> String {
    let total: f64 = report.kernels.iter().map(|k| k.time_us).sum();
    if report.kernels.is_empty() || !total.is_finite() || total <= 0.0 {
        return String::new();
    }
    let mut order: Vec<_> = report.kernels.iter().collect();
    order.sort_by(|a, b| b.time_us.total_cmp(&a.time_us));
    let line = |name: &str, label: &str, time_us: f64| {
        let share = 100.0 * time_us / total;
        let bar = format!("<td class=\"bar\"><i style=\"width:{share:.1}%\"></i>{share:.1} %</td>");
        let time = seconds(time_us * 1e-6);
        row(name, &format!("<td class=\"words\">{}</td><td>{time}</td>{bar}", Esc(label)))
    };
    let listed = order.iter().take(LISTED).map(|k| line(&k.kernel, &k.label, k.time_us));
    let mut rows: String = listed.collect();
    if let Some(rest) = order.get(LISTED..).filter(|rest| !rest.is_empty()) {
        let label = format!("{} more dispatches", rest.len());
        rows += &line("others", &label, rest.iter().map(|k| k.time_us).sum());
    }
    let (time, count) = (seconds(total * 1e-6), report.kernels.len());
    let heads = "<th scope=\"col\">kernel</th><th scope=\"col\" class=\"words\">computes</th><th scope=\"col\">time</th>\
                 <th scope=\"col\">share</th>";
    let table = format!("<table class=\"list\"><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>");
    let note = format!("<span class=\"small\">{time} in {count} dispatches</span>");
    folding("A step, kernel by kernel", &note, " open=\"open\"", &table)
}
