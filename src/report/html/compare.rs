//! The page of several runs: their curves over each other, what their specs differ in, and how far each came.

use super::axis::Axis;
use super::chart::{Chart, Curve};
use super::format::{Esc, count, percent, seconds, value};
use super::pictures::COLOURS;
use super::{cells, page, row, section, table};
use crate::report::compare::{Comparison, RunLine};
use crate::report::metrics::FIGURES;
use crate::report::{EpochRecord, Outcome, RunReport};

/// A self-contained page that compares runs, each with its name.
pub fn render(runs: &[(String, RunReport)]) -> String {
    let comparison = Comparison::of(runs);
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    let header = format!(
        "<header><div class=\"title\"><h1>{} runs</h1></div>\n<p class=\"lead\">{}</p></header>\n",
        runs.len(),
        Esc(&names.join(" · "))
    );
    let body = [header, charts(runs), results(&comparison), differences(&comparison)].concat();
    page("wgrad runs", "", &body, env!("CARGO_PKG_VERSION"))
}

/// A figure of an epoch.
type Figure = fn(&EpochRecord) -> Option<f64>;

/// One chart a figure that some run has.
fn charts(runs: &[(String, RunReport)]) -> String {
    let titled: [(&str, &str, bool, Figure); 6] = [
        ("Validation loss", "loss on the validation rows", false, |e| e.validation_loss),
        ("Training loss", "mean over an epoch's steps", false, |e| Some(e.train_loss)),
        ("Accuracy", "validation rows classified right", true, |e| e.validation_accuracy),
        ("F1, macro", "mean over the classes", true, |e| e.metrics.as_ref()?.f1_macro),
        ("RMSE", "on the validation rows", false, |e| e.metrics.as_ref()?.rmse),
        ("R²", "on the validation rows", false, |e| e.metrics.as_ref()?.r2),
    ];
    let last = runs.iter().flat_map(|(_, r)| &r.epochs).map(|e| e.epoch).max().unwrap_or(1);
    let first = runs.iter().flat_map(|(_, r)| &r.epochs).map(|e| e.epoch).min().unwrap_or(0);
    let x = Axis::exact(first.min(last) as f64, last.max(first.saturating_add(1)) as f64);
    let drawn = titled.iter().filter_map(|(title, y_title, shares, of)| {
        let classes: Vec<String> = (0..runs.len()).map(|i| format!("run c{}", i % COLOURS)).collect();
        let curves: Vec<Curve<'_>> = (runs.iter().zip(&classes))
            .map(|((name, report), class)| {
                let points = report.epochs.iter().filter_map(|e| Some((e.epoch as f64, of(e)?)));
                Curve { name, class, points: points.collect() }
            })
            .filter(|curve| !curve.points.is_empty())
            .collect();
        if curves.is_empty() {
            return None;
        }
        let values = || curves.iter().flat_map(|c| &c.points).map(|p| p.1);
        let y = if *shares { Axis::of_shares(values()) } else { Axis::of_values(values()) };
        Some(Chart { title, y_title, x_title: "epoch", x: x.clone(), y, notes: notes(runs, *of), curves }.render())
    });
    format!("<div class=\"charts\">\n{}</div>\n", drawn.collect::<String>())
}

/// What the pointer shows for an epoch: the figure of each run.
fn notes(runs: &[(String, RunReport)], of: Figure) -> Vec<(f64, String)> {
    let longest = runs.iter().map(|(_, r)| &r.epochs).max_by_key(|epochs| epochs.len());
    let note = |epoch: usize| {
        let figure = |(name, report): &(String, RunReport)| {
            let record = report.epochs.binary_search_by_key(&epoch, |e| e.epoch).ok()?;
            Some(format!("\n{name} {}", value(of(&report.epochs[record])?)))
        };
        (epoch as f64, format!("epoch {epoch}{}", runs.iter().filter_map(figure).collect::<String>()))
    };
    longest.into_iter().flatten().map(|e| note(e.epoch)).collect()
}

/// A line a figure, a column a run, as in the table of differences; the best run of a line is marked.
fn results(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let text = |title: &str, of: fn(&RunLine) -> String| row(title, &cells(&runs.iter().map(of).collect::<Vec<_>>()));
    let metrics = FIGURES.iter().map(|(title, is_share, rises, of)| {
        let show = if *is_share { percent } else { value };
        figure(runs, title, show, if *rises { 1 } else { -1 }, |run| of(&run.metrics))
    });
    let outcome = |run: &RunLine| match run.outcome {
        Outcome::Finished => "finished".to_owned(),
        Outcome::Interrupted => "interrupted".to_owned(),
        Outcome::Failed(_) => "failed".to_owned(),
    };
    let rows = [
        text("outcome", outcome),
        figure(runs, "epochs", whole, 0, |r| Some(r.epochs as f64)),
        figure(runs, "training loss", value, -1, |r| r.train_loss),
        figure(runs, "validation loss", value, -1, |r| r.validation_loss),
        figure(runs, "best validation loss", value, -1, |r| r.best_validation_loss),
        figure(runs, "in epoch", whole, 0, |r| r.best_epoch.map(|e| e as f64)),
        figure(runs, "accuracy", percent, 1, |r| r.validation_accuracy),
        metrics.collect(),
        figure(runs, "training time", seconds, -1, |r| Some(r.train_seconds)),
        figure(runs, "parameters", whole, 0, |r| Some(r.parameters as f64)),
        text("device", |run| run.device.clone()),
    ];
    let lead = "Losses and metrics are those of the last validation; the best run of a line is marked.";
    let table = table(&heads("", comparison), &rows.concat());
    section("Results", &format!("<p class=\"lead\">{lead}</p><div class=\"scroll\">{table}</div>"))
}

/// A figure that is a count.
fn whole(v: f64) -> String {
    count(v as u64)
}

/// A line of the results; none where no run has the figure. `better` says whether less (-1) or more (1) of it is better, or
/// neither (0).
fn figure(
    runs: &[RunLine],
    title: &str,
    show: fn(f64) -> String,
    better: i8,
    of: impl Fn(&RunLine) -> Option<f64>,
) -> String {
    if runs.iter().all(|run| of(run).is_none()) {
        return String::new();
    }
    let rank = |run: &RunLine| of(run).map(|v| v * f64::from(better)).filter(|v| v.is_finite());
    let best = runs.iter().filter_map(rank).max_by(f64::total_cmp).filter(|_| better != 0 && runs.len() > 1);
    let cell = |run: &RunLine| match of(run) {
        Some(v) if best.is_some() && rank(run) == best => format!("<td class=\"best\">{}</td>", show(v)),
        v => cell_or_none(v.map(show)),
    };
    row(title, &runs.iter().map(cell).collect::<String>())
}

/// A cell with its text, or what stands for a figure that a run has not.
fn cell_or_none(text: Option<String>) -> String {
    text.map_or_else(|| "<td class=\"note-cell\">none</td>".to_owned(), |text| cells(&[text]))
}

/// A head for the names of the lines, then the names of the runs in the colours of their curves.
fn heads(first: &str, comparison: &Comparison) -> Vec<String> {
    let head = |(i, run): (usize, &RunLine)| {
        format!("<span class=\"key run c{}\"><i></i>{}</span>", i % COLOURS, Esc(&run.name))
    };
    std::iter::once(first.to_owned()).chain(comparison.runs.iter().enumerate().map(head)).collect()
}

/// A line a key in which the specs differ.
fn differences(comparison: &Comparison) -> String {
    if comparison.differences.is_empty() {
        return section("Specs", "<p class=\"lead\">They do not differ.</p>");
    }
    let rows = comparison.differences.iter().map(|d| {
        let cells = d.values.iter().cloned().map(cell_or_none);
        row(&d.key, &cells.collect::<String>())
    });
    let table = table(&heads("key", comparison), &rows.collect::<String>());
    section("What the specs differ in", &format!("<div class=\"scroll\">{table}</div>"))
}
