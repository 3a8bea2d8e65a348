//! The page of a run: one HTML file that needs nothing else, neither network nor script.
//!
//! The charts are written here rather than with the crate `plotters`: its SVG back end rounds every coordinate to whole
//! pixels and scales text with the picture, so that axis labels are unreadable on a phone, and it writes colours into
//! attributes, where a page that follows the reader's light or dark setting needs classes.
//!
//! The page is well-formed XML as well as HTML, which is how its tests read it.

pub(crate) mod axis;
pub(crate) mod chart;
mod classes;
mod compare;
pub(crate) mod format;
mod histograms;
mod kernels;
mod network;
mod pictures;

use axis::Axis;
use chart::{Chart, Curve};
use format::{Esc, bytes, count, percent, rate, seconds, short, value};

use super::{EpochRecord, Outcome, Recovery, RunReport};
use std::fmt::Display;

/// Up to so many epochs are listed in the table; more are thinned evenly, the last kept.
const LISTED_EPOCHS: usize = 200;

/// The report as one self-contained HTML file.
///
/// Every text of the report is escaped; values that are no finite number are gaps in the curves. The file stays below
/// 1 MB for any number of steps and epochs.
pub fn render(report: &RunReport) -> String {
    let sections = [
        header(report),
        cards(report),
        charts(report),
        report.confusion.as_ref().map(classes::matrix).unwrap_or_default(),
        classes::metrics(report),
        pictures::worst(&report.portrait),
        pictures::reconstructions(&report.portrait),
        pictures::surface(&report.portrait),
        format!("<div class=\"columns\">\n{}{}</div>\n", network::render(report), device(report)),
        histograms::render(report),
        data(report),
        times(report),
        kernels::render(report),
        scheduler(report),
        epochs(report),
        section("Resolved spec", &format!("<pre>{}</pre>", Esc(&report.spec_toml))),
    ];
    page(&format!("{} · wgrad run", name(report)), "", &sections.concat(), &report.version)
}

/// Several runs beside each other, each with its name, as one self-contained HTML file: curves, results, and what their specs
/// differ in.
pub fn compare(runs: &[(String, RunReport)]) -> String {
    compare::render(runs)
}

/// A self-contained page: `title` and `version` are plain text, `body` is HTML, `css` comes after the common style sheet.
pub(crate) fn page(title: &str, css: &str, body: &str, version: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{}</title>\n\
         <style>\n{}{css}</style>\n</head>\n<body>\n<main>\n{body}</main>\n<footer>Written by wgrad {}</footer>\n\
         </body>\n</html>\n",
        Esc(title),
        include_str!("html/style.css"),
        Esc(version)
    )
}

fn name(report: &RunReport) -> &str {
    if report.spec_name.is_empty() { "unnamed run" } else { &report.spec_name }
}

/// Title, outcome, one line on what was done.
fn header(report: &RunReport) -> String {
    let (class, word, text) = match &report.outcome {
        Outcome::Finished => ("good", "finished", early_stop(report) + &recoveries(report)),
        Outcome::Interrupted => ("stopped", "interrupted", "Stopped before all epochs were done.".to_owned()),
        Outcome::Failed(why) => ("bad", "failed", why.clone()),
    };
    let done = report.epochs.last().map_or(0, |e| e.epoch);
    let of =
        if done == report.epochs_planned { String::new() } else { format!(" of {}", count(report.epochs_planned)) };
    let validation = match report.validation_rows {
        0 => "no validation rows".to_owned(),
        rows => format!("{} validation rows", count(rows)),
    };
    let banner = format!("<p class=\"banner {class}\">{}</p>\n", Esc(&text));
    let banner = if text.is_empty() { "" } else { &banner };
    format!(
        "<header><div class=\"title\"><h1>{}</h1><span class=\"badge {class}\">{word}</span></div>\n\
         <p class=\"lead\">{}{of} {} · {} training rows · {validation} · batches of {} · on {}</p>\n{banner}</header>\n",
        Esc(name(report)),
        count(done),
        if done == 1 && of.is_empty() { "epoch" } else { "epochs" },
        count(report.train_rows),
        count(report.batch_size),
        Esc(&report.device.name),
    )
}

/// What a run that ended before its last epoch says of it.
fn early_stop(report: &RunReport) -> String {
    let Some(stopping) = &report.stopping else { return String::new() };
    let below = if stopping.restored { "Metrics, matrix, classes and pictures below are of that model. " } else { "" };
    format!("Early stopping: {}. {below}", stopping.sentence())
}

/// What a finished run says of devices that it lost.
fn recoveries(report: &RunReport) -> String {
    let line = |r: &Recovery| {
        format!("The device was lost after step {}; the run went on from step {} on {}.", r.step, r.from_step, r.device)
    };
    report.recoveries.iter().map(line).collect::<Vec<_>>().join(" ")
}

/// The figures that a reader looks for first.
fn cards(report: &RunReport) -> String {
    let last = report.epochs.last();
    let mut cards = Vec::new();
    if let Some(accuracy) = last.and_then(|e| e.validation_accuracy) {
        let best = report.least(|e| e.validation_accuracy.map(|a| -a));
        let best = best.map(|(epoch, a)| format!("best {} in epoch {epoch}", percent(-a))).unwrap_or_default();
        cards.push(card("Validation accuracy", &percent(accuracy), &best, "main"));
    }
    if let Some(loss) = last.and_then(|e| e.validation_loss) {
        let best = report.least(|e| e.validation_loss);
        let best = best.map(|(epoch, l)| format!("best {} in epoch {epoch}", value(l))).unwrap_or_default();
        cards.push(card("Validation loss", &value(loss), &best, ""));
    }
    let training = last.map(|e| value(e.train_loss)).unwrap_or_else(|| "none".to_owned());
    cards.push(card("Training loss", &training, &format!("{}, mean of the last epoch", report.loss), ""));
    let layers = format!("in {} layer{}", report.layers.len(), if report.layers.len() == 1 { "" } else { "s" });
    cards.push(card("Parameters", &count(report.parameters), &layers, ""));
    let memory = format!("{} for the training plan", bytes(report.memory_bytes));
    cards.push(card("Training time", &seconds(report.train_seconds), &memory, ""));
    cards.push(card("Throughput", &throughput(report), "samples a second", ""));
    let done = last.map_or(0, |e| e.step).max(report.last_step());
    let resumed = match report.first_step {
        0 => format!("{} samples each", count(report.batch_size)),
        step => format!("resumed at step {}", count(step)),
    };
    cards.push(card("Steps", &count(done), &resumed, ""));
    format!("<section class=\"cards\">\n{}</section>\n", cards.concat())
}

pub(crate) fn card(label: &str, figure: &str, note: &str, class: &str) -> String {
    format!(
        "<div class=\"card figure {class}\"><span class=\"label\">{}</span><span class=\"number\">{}</span>\
         <span class=\"small\">{}</span></div>\n",
        Esc(label),
        Esc(figure),
        Esc(note)
    )
}

/// Samples a second over all epochs: their samples by their time.
fn throughput(report: &RunReport) -> String {
    let time: f64 = report.epochs.iter().map(|e| e.seconds).sum();
    let samples: f64 = report.epochs.iter().map(|e| e.seconds * e.samples_per_second).sum();
    if time > 0.0 && samples.is_finite() { rate(samples / time) } else { "none".to_owned() }
}

/// Loss and accuracy against epochs (against steps while no epoch is done).
fn charts(report: &RunReport) -> String {
    if report.epochs.is_empty() && report.step_losses.is_empty() {
        return "<section class=\"card empty\"><p>No step was done, so there are no curves.</p></section>\n".to_owned();
    }
    let per_epoch = report.epochs.last().filter(|e| e.epoch > 0 && e.step > 0).map(|e| e.step as f64 / e.epoch as f64);
    let x_of = |step: usize| step as f64 / per_epoch.unwrap_or(1.0);
    let first = report.epochs.first().map_or(f64::INFINITY, |e| e.epoch.saturating_sub(1) as f64);
    let low = if report.step_losses.is_empty() { first } else { first.min(x_of(report.first_step)) };
    let last_step = report.last_step().max(report.epochs.last().map_or(0, |e| e.step));
    let x = Axis::exact(low, x_of(last_step).max(low + 1e-3));
    let x_title = if per_epoch.is_some() { "epoch" } else { "step" };
    let notes: Vec<(f64, String)> = report.epochs.iter().map(|e| (x_of(e.step), note(e))).collect();
    let epoch_curve = |of: &dyn Fn(&EpochRecord) -> Option<f64>| -> Vec<(f64, f64)> {
        report.epochs.iter().filter_map(|e| Some((x_of(e.step), of(e)?))).collect()
    };

    let steps = report.step_losses.iter().enumerate();
    let steps = steps.map(|(i, loss)| (x_of(report.step_of(i)), f64::from(*loss))).collect();
    let each = match report.step_stride {
        0 | 1 => "training, each step".to_owned(),
        stride => format!("training, one step in {stride}"),
    };
    let curves = [
        Curve { name: &each, class: "step", points: steps },
        Curve { name: "training, epoch mean", class: "train", points: epoch_curve(&|e| Some(e.train_loss)) },
        Curve { name: "validation", class: "validation", points: epoch_curve(&|e| e.validation_loss) },
    ];
    let curves: Vec<Curve<'_>> = curves.into_iter().filter(|c| !c.points.is_empty()).collect();
    let y = Axis::of_values(curves.iter().flat_map(|c| &c.points).map(|p| p.1));
    let y_title = format!("{}, mean over samples", if report.loss.is_empty() { "loss" } else { &report.loss });
    let loss =
        Chart { title: "Loss", y_title: &y_title, x_title, x: x.clone(), y, curves, notes: notes.clone() }.render();

    let points = epoch_curve(&|e| e.validation_accuracy);
    if points.is_empty() {
        return format!("<div class=\"charts\">\n{loss}</div>\n");
    }
    let y = Axis::of_shares(points.iter().map(|p| p.1));
    let curves = vec![Curve { name: "validation", class: "accuracy", points }];
    let y_title = "validation rows classified right";
    let accuracy = Chart { title: "Accuracy", y_title, x_title, x, y, curves, notes }.render();
    format!("<div class=\"charts\">\n{loss}{accuracy}</div>\n")
}

/// What the pointer shows for an epoch.
fn note(e: &EpochRecord) -> String {
    let mut text = format!("epoch {}\ntraining {}", e.epoch, value(e.train_loss));
    text.extend(e.validation_loss.map(|loss| format!("\nvalidation {}", value(loss))));
    text.extend(e.validation_accuracy.map(|accuracy| format!("\naccuracy {}", percent(accuracy))));
    text
}

fn device(report: &RunReport) -> String {
    let device = &report.device;
    let facts = facts(&[
        ("Device", device.kind.clone()),
        ("Name", device.name.clone()),
        ("Backend", device.backend.clone()),
        ("Driver", device.driver.clone()),
        ("Chosen because", device.reason.clone()),
    ]);
    section("Device", &facts)
}

/// The scheduler's counters, encoding and submitting included, each with what it comes to in a step.
fn scheduler(report: &RunReport) -> String {
    let c = &report.counters;
    if c.steps == 0 {
        return String::new();
    }
    let (steps, host) = (c.steps as f64, c.host_ns as f64 * 1e-9);
    let moved = |total: u64| format!("{} a step", bytes((total as f64 / steps).round() as u64));
    let cards = [
        card("Submits", &count(c.submits), &how_often(c.submits, c.steps), ""),
        card("Dispatches", &count(c.dispatches), &how_often(c.dispatches, c.steps), ""),
        card("Read-backs", &count(c.read_backs), &how_often(c.read_backs, c.steps), ""),
        card("Bytes to the device", &bytes(c.bytes_up), &moved(c.bytes_up), ""),
        card("Bytes from the device", &bytes(c.bytes_down), &moved(c.bytes_down), ""),
        card("Time encoding and submitting", &seconds(host), &format!("{} a step", seconds(host / steps)), ""),
    ];
    section("Scheduler", &format!("<div class=\"cards inner\">\n{}</div>", cards.concat()))
}

/// What is to be known of the data files; nothing where all samples were good and held in memory.
fn data(report: &RunReport) -> String {
    let mut rows = Vec::new();
    if report.data_file_bytes > 0 {
        rows.push(("Samples in a file", bytes(report.data_file_bytes)));
    }
    if report.skipped_rows > 0 {
        rows.push(("Malformed rows skipped", count(report.skipped_rows)));
        rows.extend(report.skipped.iter().map(|row| ("For example", row.clone())));
    }
    if rows.is_empty() { String::new() } else { section("Data", &facts(&rows)) }
}

/// Where the wall time of the epochs went, each part measured by itself.
fn times(report: &RunReport) -> String {
    let times = &report.times;
    if times.wall <= 0.0 {
        return String::new();
    }
    let share = |part: f64| format!("{} ({:.1} %)", seconds(part.max(0.0)), 100.0 * part / times.wall);
    let parts = times.parts().map(|(name, part)| (part_title(name), share(part)));
    let (all, rest) = (("All epochs", seconds(times.wall)), ("Not accounted for", share(times.unaccounted())));
    section("Where the time went", &facts(&[&[all][..], &parts, &[rest]].concat()))
}

/// What a part of the wall time is, in words.
fn part_title(name: &str) -> &'static str {
    match name {
        "shuffle" => "Order of the samples",
        "tables" => "Tables and streamed samples",
        "data" => "Waiting for samples to be read",
        "encode" => "Encoding",
        "submit" => "In the driver's submit call",
        "device" => "Computing, or waiting for the GPU",
        "losses" => "Losses and progress",
        "evaluate" => "Evaluation",
        _ => "Metrics and checkpoints",
    }
}

/// "9 a step", or "one in 96.4 steps" for what is rarer than a step.
fn how_often(n: u64, steps: u64) -> String {
    if n == 0 {
        String::new()
    } else if n < steps {
        format!("one in {} steps", short(steps as f64 / n as f64))
    } else {
        format!("{} a step", short(n as f64 / steps as f64))
    }
}

/// A section with its heading.
fn section(title: &str, body: &str) -> String {
    format!("<section class=\"card\"><h2>{title}</h2>\n{body}</section>\n")
}

/// A wide table that can be folded away; `open` is the attribute that unfolds it at first.
fn folding(title: &str, note: &str, open: &str, table: &str) -> String {
    format!(
        "<details class=\"card\"{open}><summary><h2>{title}</h2>{note}</summary><div class=\"scroll\">{table}</div></details>\n"
    )
}

/// A table of [`row`]s; its heads are HTML.
fn table(heads: &[impl Display], rows: &str) -> String {
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!("<table class=\"list\"><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>")
}

/// A row of a [`table`]: its name, and its cells in HTML.
fn row(name: &str, cells: &str) -> String {
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", Esc(name))
}

/// Cells of a [`row`], of plain text.
fn cells(texts: &[String]) -> String {
    texts.iter().map(|text| format!("<td>{}</td>", Esc(text))).collect()
}

/// Names and values; empty values are left out.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let shown = rows.iter().filter(|(_, v)| !v.is_empty());
    let rows: String = shown.map(|(k, v)| format!("<dt>{}</dt><dd>{}</dd>\n", Esc(k), Esc(v))).collect();
    format!("<dl>\n{rows}</dl>\n")
}

/// The curves' numbers, folded away.
fn epochs(report: &RunReport) -> String {
    let total = report.epochs.len();
    if total == 0 {
        return String::new();
    }
    let stride = total.div_ceil(LISTED_EPOCHS);
    // Counted from the end, so that the last epoch is always there.
    let shown = report.epochs.iter().enumerate().filter(|(i, _)| (total - 1 - i).is_multiple_of(stride));
    let optional = |v: Option<f64>, as_text: fn(f64) -> String| v.map(as_text).unwrap_or_else(|| "none".to_owned());
    let line = |(_, e): (usize, &EpochRecord)| {
        let figures = [
            count(e.step),
            value(e.train_loss),
            optional(e.validation_loss, value),
            optional(e.validation_accuracy, percent),
            optional(e.lr, value),
            seconds(e.seconds),
            rate(e.samples_per_second),
        ];
        row(&count(e.epoch), &cells(&figures))
    };
    let thinned = if stride == 1 { String::new() } else { format!(", every {stride}th shown") };
    let heads =
        ["epoch", "steps", "training loss", "validation loss", "accuracy", "learning rate", "time", "samples/s"];
    let table = table(&heads, &shown.map(line).collect::<String>());
    folding("Epochs", &format!("<span class=\"small\">{}{thinned}</span>", count(total)), "", &table)
}
