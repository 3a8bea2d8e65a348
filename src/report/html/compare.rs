//! The page of several runs: their curves over each other, what their specs differ in, and how far each came.

use super::axis::Axis;
use super::chart::{Chart, Curve};
use super::format::{Esc, percent, seconds, value};
use super::surface::COLOURS;
use super::{count_of, page};
use crate::report::compare::{Comparison, RunLine};
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

/// How a figure of a run is shown, and whether less (-1) or more (1) of it is better, or neither.
struct LineOf {
    title: &'static str,
    of: fn(&RunLine) -> Option<f64>,
    show: fn(f64) -> String,
    better: i8,
}

const FIGURES: [LineOf; 16] = [
    LineOf { title: "epochs", of: |r| Some(r.epochs as f64), show: whole, better: 0 },
    LineOf { title: "training loss", of: |r| r.train_loss, show: value, better: -1 },
    LineOf { title: "validation loss", of: |r| r.validation_loss, show: value, better: -1 },
    LineOf { title: "best validation loss", of: |r| r.best_validation_loss, show: value, better: -1 },
    LineOf { title: "in epoch", of: |r| r.best_epoch.map(|e| e as f64), show: whole, better: 0 },
    LineOf { title: "accuracy", of: |r| r.validation_accuracy, show: percent, better: 1 },
    LineOf { title: "top-k accuracy", of: |r| r.metrics.top_k.map(|t| t.accuracy), show: percent, better: 1 },
    LineOf { title: "precision, macro", of: |r| r.metrics.precision_macro, show: percent, better: 1 },
    LineOf { title: "recall, macro", of: |r| r.metrics.recall_macro, show: percent, better: 1 },
    LineOf { title: "F1, macro", of: |r| r.metrics.f1_macro, show: percent, better: 1 },
    LineOf { title: "ROC AUC", of: |r| r.metrics.roc_auc, show: value, better: 1 },
    LineOf { title: "MAE", of: |r| r.metrics.mae, show: value, better: -1 },
    LineOf { title: "RMSE", of: |r| r.metrics.rmse, show: value, better: -1 },
    LineOf { title: "R²", of: |r| r.metrics.r2, show: value, better: 1 },
    LineOf { title: "training time", of: |r| Some(r.train_seconds), show: seconds, better: -1 },
    LineOf { title: "parameters", of: |r| Some(r.parameters as f64), show: whole, better: 0 },
];

fn whole(v: f64) -> String {
    count_of(v as usize)
}

/// A line a figure, a column a run, as in the table of differences; the best run of a line is marked.
fn results(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let text_line = |title: &str, of: &dyn Fn(&RunLine) -> String| {
        let cells: String = runs.iter().map(|run| format!("<td>{}</td>", Esc(&of(run)))).collect();
        format!("<tr><th scope=\"row\">{title}</th>{cells}</tr>\n")
    };
    let figures = FIGURES.iter().filter(|figure| runs.iter().any(|run| (figure.of)(run).is_some()));
    let outcome = |run: &RunLine| match run.outcome {
        Outcome::Finished => "finished".to_owned(),
        Outcome::Interrupted => "interrupted".to_owned(),
        Outcome::Failed(_) => "failed".to_owned(),
    };
    format!(
        "<section class=\"card\"><h2>Results</h2>\n<p class=\"lead\">Losses and metrics are those of the last validation; the best \
         run of a line is marked.</p><div class=\"scroll\"><table class=\"list\"><thead><tr><th scope=\"col\"></th>{}</tr></thead>\
         <tbody>\n{}{}{}</tbody></table></div></section>\n",
        heads(comparison),
        text_line("outcome", &outcome),
        figures.map(|figure| line(figure, runs)).collect::<String>(),
        text_line("device", &|run| run.device.clone()),
    )
}

fn line(figure: &LineOf, runs: &[RunLine]) -> String {
    let rank = |run: &RunLine| (figure.of)(run).map(|v| v * f64::from(figure.better)).filter(|v| v.is_finite());
    let best = runs.iter().filter_map(rank).max_by(f64::total_cmp).filter(|_| figure.better != 0 && runs.len() > 1);
    let cell = |run: &RunLine| match (figure.of)(run) {
        Some(v) if best.is_some() && rank(run) == best => format!("<td class=\"best\">{}</td>", (figure.show)(v)),
        Some(v) => format!("<td>{}</td>", (figure.show)(v)),
        None => "<td class=\"note-cell\">none</td>".to_owned(),
    };
    format!("<tr><th scope=\"row\">{}</th>{}</tr>\n", Esc(figure.title), runs.iter().map(cell).collect::<String>())
}

/// The names of the runs in the colours of their curves.
fn heads(comparison: &Comparison) -> String {
    let head = |(i, run): (usize, &RunLine)| {
        format!("<th scope=\"col\"><span class=\"key run c{}\"><i></i>{}</span></th>", i % COLOURS, Esc(&run.name))
    };
    comparison.runs.iter().enumerate().map(head).collect()
}

/// A line a key in which the specs differ.
fn differences(comparison: &Comparison) -> String {
    if comparison.differences.is_empty() {
        return "<section class=\"card\"><h2>Specs</h2>\n<p class=\"lead\">They do not differ.</p></section>\n"
            .to_owned();
    }
    let heads = heads(comparison);
    let cell = |v: &Option<String>| match v {
        Some(text) => format!("<td>{}</td>", Esc(text)),
        None => "<td class=\"note-cell\">none</td>".to_owned(),
    };
    let rows = comparison.differences.iter().map(|d| {
        format!("<tr><th scope=\"row\">{}</th>{}</tr>\n", Esc(&d.key), d.values.iter().map(cell).collect::<String>())
    });
    format!(
        "<section class=\"card\"><h2>What the specs differ in</h2>\n<div class=\"scroll\"><table class=\"list\"><thead><tr>\
         <th scope=\"col\">key</th>{heads}</tr></thead><tbody>\n{}</tbody></table></div></section>\n",
        rows.collect::<String>()
    )
}
