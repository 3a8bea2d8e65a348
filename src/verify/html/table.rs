//! The table of one step: two lines a value, local and total.

use super::{digits, figure, ratio, standing};
use crate::compare::Comparison;
use crate::nn::safetensors::index_text;
use crate::report::html::format::{Esc, count};
use crate::verify::{Row, Step};
use std::collections::BTreeSet;

/// Values listed of one step; of larger steps those that fail come first, then those with the largest ratios.
const LISTED_VALUES: usize = 250;

const HEAD: &str = "<thead><tr><th scope=\"col\">value, kernel, shape</th><th scope=\"col\"></th><th scope=\"col\">ratio</th>\
                    <th scope=\"col\">max abs</th><th scope=\"col\">max rel</th><th scope=\"col\">max ULP</th>\
                    <th scope=\"col\">RMS</th><th scope=\"col\">cosine</th><th scope=\"col\">worst at</th>\
                    <th scope=\"col\">expected</th><th scope=\"col\">found</th><th scope=\"col\">bound</th></tr></thead>";

/// A step in full; `open` says whether it is unfolded although nothing in it fails.
pub fn step(step: &Step, open: bool) -> String {
    let shown = listed(&step.rows);
    let rows: String = shown.iter().map(|i| row(&step.rows[*i])).collect();
    let left_out = match step.rows.len() - shown.len() {
        0 => String::new(),
        n => format!(
            "<p class=\"small\">{} further values have smaller ratios than those that are listed; the JSON report has them all.</p>",
            count(n as u64)
        ),
    };
    let failed = step.failed();
    let verdict = if failed == 0 { String::new() } else { format!(", <b class=\"bad\">{failed} FAILED</b>") };
    format!(
        "<details class=\"card\"{}><summary><h2>Values of step {}</h2><span class=\"small\">loss {} on the device, {} in f64, \
         {} values{verdict}</span></summary>{left_out}<div class=\"scroll\"><table class=\"list values\">{HEAD}\n{rows}\
         </table></div></details>\n",
        if open || failed > 0 { " open=\"open\"" } else { "" },
        step.step,
        digits(step.loss_found),
        digits(step.loss_expected),
        count(step.rows.len() as u64)
    )
}

/// Places of the rows to list, in the plan's order.
fn listed(rows: &[Row]) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&rows[*a], &rows[*b]);
        a.passed().cmp(&b.passed()).then(b.max_ratio().total_cmp(&a.max_ratio()))
    });
    order.into_iter().take(LISTED_VALUES).collect()
}

fn row(row: &Row) -> String {
    let class = standing(row);
    let why = row
        .fault()
        .map(|fault| format!("<tr class=\"why\"><td colspan=\"12\"><b>{class}</b>: {}</td></tr>\n", Esc(&fault)));
    format!(
        "<tbody class=\"{class}\">\n<tr><th scope=\"rowgroup\" rowspan=\"2\"><span>{}</span><span class=\"small\">{} {}</span>\
         </th>{}</tr>\n<tr>{}</tr>\n{}</tbody>\n",
        Esc(&row.name),
        Esc(&row.kernel),
        Esc(&format!("{:?}", row.total.shape)),
        side("local", &row.local),
        side("total", &row.total),
        why.unwrap_or_default()
    )
}

fn side(name: &str, c: &Comparison) -> String {
    let worst = match &c.worst {
        None => "<td></td><td></td><td></td><td></td>".to_owned(),
        Some(w) => format!(
            "<td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
            index_text(&c.shape, w.index),
            digits(w.expected),
            digits(w.found),
            figure(w.bound)
        ),
    };
    format!(
        "<td class=\"side\">{name}</td><td class=\"ratio{}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>{worst}",
        if c.passed { "" } else { " out" },
        ratio(c.max_ratio),
        figure(c.max_abs),
        figure(c.max_rel),
        units(c.max_ulp),
        figure(c.rms),
        cosine(c.cosine)
    )
}

fn units(v: f64) -> String {
    if v.is_finite() && v < 1e5 { format!("{v:.1}") } else { figure(v) }
}

fn cosine(v: f64) -> String {
    // Close to 1 the distance says more than seven nines; within two units of the last place of 1 it is the rounding of the norms.
    match 1.0 - v {
        d if d <= 2.0 * f64::EPSILON => "1".to_owned(),
        d if d < 1e-3 => format!("1 - {d:.0e}"),
        _ => format!("{v:.4}"),
    }
}
