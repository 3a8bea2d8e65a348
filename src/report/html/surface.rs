//! What a network of two inputs says of the plane, as a map with the samples on it.

use super::axis::{Axis, drawable};
use super::chart::ticks;
use super::format::{Esc, value};
use crate::report::{Portrait, Surface};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Colours of classes; more classes share them.
pub const COLOURS: usize = 8;

/// The section, or nothing.
pub fn render(portrait: &Portrait) -> String {
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
    let rows = if portrait.validation { "validation" } else { "training" };
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
    let mut paths: BTreeMap<(u8, u8), String> = BTreeMap::new();
    for down in 0..surface.side {
        let row = down * surface.side..(down + 1) * surface.side;
        let cells: Vec<(u8, u8)> = row.map(|i| (surface.class[i], surface.level[i])).collect();
        let (mut x, y) = (0, surface.side - 1 - down);
        for run in cells.chunk_by(|a, b| a == b) {
            let path = paths.entry(run[0]).or_default();
            let _ = write!(path, "M{x} {y}h{}v1h-{0}z", run.len());
            x += run.len();
        }
    }
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
