//! Pictures as SVG: samples that were classified worst, targets that are pictures beside what the network makes of them, and what a
//! network of two inputs says of the plane, as a map with the samples on it.
//!
//! A picture is one path a gray level, of runs of equal pixels: a few kilobytes, sharp at any size, and no file or data
//! address that a page without a network would need.

use super::axis::{Axis, drawable};
use super::chart::ticks;
use super::format::{Esc, count, value};
use super::section;
use crate::report::{Misread, Picture, Portrait, Surface};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Gray levels of a drawn picture.
const LEVELS: usize = 16;

/// The section of worst samples, or nothing.
pub fn worst(portrait: &Portrait) -> String {
    if portrait.worst.is_empty() {
        return String::new();
    }
    let wrong = portrait.worst.iter().filter(|w| w.truth != w.predicted).count();
    let figure = |w: &Misread| {
        let class = if w.truth == w.predicted { "right" } else { "wrong" };
        let said = format!("true {}, taken for {}", w.truth, w.predicted);
        let (truth, predicted) = (Esc(&w.truth), Esc(&w.predicted));
        format!(
            "<figure class=\"sample {class}\">{}<figcaption><b>{truth}</b> taken for <b>{predicted}</b><br/>\
             <span class=\"small\">{} for {truth} · row {}</span></figcaption></figure>\n",
            svg(&w.picture, &said),
            value(w.score),
            count(w.row),
        )
    };
    let figures: String = portrait.worst.iter().map(figure).collect();
    let rest = if wrong < portrait.worst.len() { ", then those that are right with the least certainty" } else { "" };
    let lead = format!(
        "The {} {} rows to whose class the network gives least{rest}; {} were looked at.",
        portrait.worst.len(),
        rows_of(portrait),
        count(portrait.rows)
    );
    samples("Worst classified", &lead, &figures)
}

/// The section of reconstructions, or nothing.
pub fn reconstructions(portrait: &Portrait) -> String {
    if portrait.reconstructions.is_empty() {
        return String::new();
    }
    let pairs = portrait.reconstructions.iter().map(|r| {
        format!(
            "<figure class=\"sample pair\">{}{}</figure>\n",
            svg(&r.target, "what was wanted"),
            svg(&r.output, "what the network makes of it")
        )
    });
    let lead = format!(
        "Above what was wanted, below what the network makes of it: the first {} {} rows.",
        portrait.reconstructions.len(),
        rows_of(portrait)
    );
    samples("Reconstructions", &lead, &pairs.collect::<String>())
}

/// A section of pictures side by side.
fn samples(title: &str, lead: &str, figures: &str) -> String {
    section(title, &format!("<p class=\"lead\">{lead}</p>\n<div class=\"samples\">\n{figures}</div>"))
}

/// The name of the rows that were looked at.
fn rows_of(portrait: &Portrait) -> &'static str {
    if portrait.validation { "validation" } else { "training" }
}

/// A picture; `label` is read out in its place.
fn svg(picture: &Picture, label: &str) -> String {
    let width = picture.width.max(1);
    let height = picture.pixels.len() / width;
    let levels: Vec<usize> = picture.pixels.iter().map(|gray| usize::from(*gray) * LEVELS / 256).collect();
    let paths: String = (runs(&levels, width, |row| row).iter())
        .filter(|(level, _)| **level > 0)
        .map(|(level, d)| format!("<path fill=\"#{level:x}{level:x}{level:x}\" d=\"{d}\"/>"))
        .collect();
    format!(
        "<svg class=\"picture\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{width}\" height=\"{height}\"/>{paths}</svg>",
        Esc(label)
    )
}

/// A path for each value of the cells, of runs of equal ones; `down` says where a row lies.
fn runs<T: Ord + Copy>(cells: &[T], width: usize, down: impl Fn(usize) -> usize) -> BTreeMap<T, String> {
    let mut paths: BTreeMap<T, String> = BTreeMap::new();
    for (row, cells) in cells.chunks_exact(width).enumerate() {
        let (mut x, y) = (0, down(row));
        for run in cells.chunk_by(|a, b| a == b) {
            // Writing to a String does not fail.
            let _ = write!(paths.entry(run[0]).or_default(), "M{x} {y}h{}v1h-{0}z", run.len());
            x += run.len();
        }
    }
    paths
}

/// Colours of classes; more classes share them.
pub const COLOURS: usize = 8;

/// The section of the decision surface, or nothing.
pub fn surface(portrait: &Portrait) -> String {
    let Some(surface) = portrait.surface.as_ref().filter(|s| is_whole(s)) else { return String::new() };
    let [x, y] = surface.ranges.map(|[low, high]| Axis::exact(low, high));
    let keys: String = match surface.numbers {
        Some([low, high]) => {
            format!("<span class=\"small\">from {} (light) to {} (dark)</span>", Esc(&value(low)), Esc(&value(high)))
        }
        None => (surface.classes.iter().enumerate())
            .map(|(i, class)| format!("<span class=\"key c{}\"><i></i>{}</span>", i % COLOURS, Esc(class)))
            .collect(),
    };
    let rows = rows_of(portrait);
    format!(
        "<figure class=\"card plane\"><figcaption><h2>Decision surface</h2><span class=\"legend\">{keys}</span></figcaption>\n\
         <p class=\"axis\">{}</p>\n<div class=\"plot\">{}\n<svg viewBox=\"0 0 {side} {side}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"What the network says of each point\" \
         shape-rendering=\"crispEdges\">{}</svg>\n<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\">{}</svg></div>\n<div class=\"x-ticks\">{}</div>\n<p class=\"axis x\">{}</p>\
         <p class=\"small\">The stronger the colour, the surer. Dots are {rows} rows.</p></figure>\n",
        Esc(&surface.columns[1]),
        ticks(&y, "y-tick", "bottom"),
        cells(surface),
        points(surface, &x, &y),
        ticks(&x, "x-tick", "left"),
        Esc(&surface.columns[0]),
        side = surface.side,
    )
}

/// A report may come from a file, which may say anything.
fn is_whole(surface: &Surface) -> bool {
    let cells = surface.side.checked_mul(surface.side);
    let ordered = surface.ranges.iter().all(|[low, high]| drawable(*low) && drawable(*high) && low < high);
    cells.is_some_and(|n| n > 0 && surface.class.len() == n && surface.level.len() == n) && ordered
}

/// One path for each class and shade, of runs of equal cells.
fn cells(surface: &Surface) -> String {
    let cells: Vec<(u8, u8)> = surface.class.iter().copied().zip(surface.level.iter().copied()).collect();
    let paths = runs(&cells, surface.side, |row| surface.side - 1 - row);
    let path = |((class, level), d): (&(u8, u8), &String)| {
        let strength = 0.12 + 0.68 * f64::from(*level) / f64::from(Surface::LEVELS - 1);
        let colour = usize::from(*class) % COLOURS;
        format!("<path class=\"cell c{colour}\" style=\"opacity:{strength:.2}\" d=\"{d}\"/>")
    };
    paths.iter().map(path).collect()
}

/// The samples: dots with a rim, so that they stand out from their own colour.
fn points(surface: &Surface, x: &Axis, y: &Axis) -> String {
    let mut paths: BTreeMap<u8, String> = BTreeMap::new();
    for point in &surface.points {
        let (Some(across), Some(up)) = (x.place(point.at[0]), y.place(point.at[1])) else { continue };
        let path = paths.entry(point.class).or_default();
        let _ = write!(path, "M{:.1} {:.1}h0", across * 1000.0, (1.0 - up) * 1000.0);
    }
    let path = |(class, d): (&u8, &String)| {
        let colour = usize::from(*class) % COLOURS;
        format!("<path class=\"rim\" d=\"{d}\"/><path class=\"dot c{colour}\" d=\"{d}\"/>")
    };
    paths.iter().map(path).collect()
}
