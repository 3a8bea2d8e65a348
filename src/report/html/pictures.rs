//! Pictures as SVG: samples that were classified worst, and targets that are pictures beside what the network makes of them.
//!
//! A picture is one path a gray level, of runs of equal pixels: a few kilobytes, sharp at any size, and no file or data
//! address that a page without a network would need.

use super::format::{Esc, count, value};
use crate::report::{Picture, Portrait};
use std::fmt::Write;

/// Gray levels of a drawn picture.
const LEVELS: usize = 16;

/// The section of worst samples, or nothing.
pub fn worst(portrait: &Portrait) -> String {
    if portrait.worst.is_empty() {
        return String::new();
    }
    let wrong = portrait.worst.iter().filter(|w| w.truth != w.predicted).count();
    let figures: String = portrait
        .worst
        .iter()
        .map(|w| {
            let class = if w.truth == w.predicted { "right" } else { "wrong" };
            let said = format!("true {}, taken for {}", w.truth, w.predicted);
            let (truth, predicted) = (Esc(&w.truth), Esc(&w.predicted));
            format!(
                "<figure class=\"sample {class}\">{}<figcaption><b>{truth}</b> taken for <b>{predicted}</b><br/>\
                 <span class=\"small\">{} for {truth} · row {}</span></figcaption></figure>\n",
                svg(&w.picture, &said),
                value(w.score),
                count(w.row as u64),
            )
        })
        .collect();
    let rest = if wrong < portrait.worst.len() { ", then those that are right with the least certainty" } else { "" };
    format!(
        "<section class=\"card\"><h2>Worst classified</h2>\n<p class=\"lead\">The {} {} rows to whose class the network gives \
         least{rest}; {} were looked at.</p>\n<div class=\"samples\">\n{figures}</div></section>\n",
        portrait.worst.len(),
        rows_of(portrait),
        count(portrait.rows as u64)
    )
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
    format!(
        "<section class=\"card\"><h2>Reconstructions</h2>\n<p class=\"lead\">Above what was wanted, below what the network makes \
         of it: the first {} {} rows.</p>\n<div class=\"samples\">\n{}</div></section>\n",
        portrait.reconstructions.len(),
        rows_of(portrait),
        pairs.collect::<String>()
    )
}

fn rows_of(portrait: &Portrait) -> &'static str {
    if portrait.validation { "validation" } else { "training" }
}

/// A picture; `label` is read out in its place.
fn svg(picture: &Picture, label: &str) -> String {
    let width = picture.width.max(1);
    let height = picture.pixels.len() / width;
    let mut levels = vec![String::new(); LEVELS];
    for (y, row) in picture.pixels.chunks_exact(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| level(*a) == level(*b)) {
            // Writing to a String does not fail.
            let _ = write!(levels[level(run[0])], "M{x} {y}h{}v1h-{0}z", run.len());
            x += run.len();
        }
    }
    let paths: String = (levels.iter().enumerate().skip(1))
        .filter(|(_, d)| !d.is_empty())
        .map(|(level, d)| format!("<path fill=\"#{level:x}{level:x}{level:x}\" d=\"{d}\"/>"))
        .collect();
    format!(
        "<svg class=\"picture\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{width}\" height=\"{height}\"/>{paths}</svg>",
        Esc(label)
    )
}

fn level(gray: u8) -> usize {
    usize::from(gray) * LEVELS / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_every_pixel_that_is_not_black_once() {
        let picture = Picture { width: 3, pixels: vec![0, 255, 255, 16, 17, 0] };
        let html = svg(&picture, "a <sample>");
        assert!(html.contains("<path fill=\"#fff\" d=\"M1 0h2v1h-2z\"/>"), "{html}");
        assert!(html.contains("<path fill=\"#111\" d=\"M0 1h2v1h-2z\"/>"), "{html}");
        assert!(html.contains("viewBox=\"0 0 3 2\"") && html.contains("a &lt;sample&gt;"), "{html}");
        assert!(svg(&Picture::default(), "").contains("viewBox=\"0 0 1 0\""));
    }
}
