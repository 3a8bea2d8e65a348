//! The graph of the train step: a node for each value, coloured by error / bound.

use super::layout::{Sizes, place};
use super::{Standing, figure, ratio};
use crate::report::html::format::Esc;
use crate::verify::{Row, Step};
use std::collections::HashMap;
use std::fmt::Write;

const SIZES: Sizes = Sizes { node: (196.0, 58.0), gap: (14.0, 34.0), edge: 10.0 };
/// Room around the drawing, so that outlines are not cut.
const ROOM: f64 = 4.0;
/// Above this many values a picture shows nothing; the page says so instead.
const DRAWN_VALUES: usize = 600;
/// Letters of a name that fit a node.
const NAME_LETTERS: usize = 27;

/// The card with the graph.
pub fn render(step: &Step) -> String {
    let rows = &step.rows;
    let drawing = if rows.len() > DRAWN_VALUES {
        format!("<p class=\"small\">{} values are too many for a picture; the table lists them.</p>\n", rows.len())
    } else {
        format!("{SCALE}<div class=\"scroll graph\">{}</div>", svg(step))
    };
    format!(
        "<section class=\"card\"><h2>Train step {}</h2>\n<p class=\"small\">Each value in the order of the dispatches, under the \
         values that it is computed from; colour: the larger of local and total error / bound.</p>\n{drawing}</section>\n",
        step.step
    )
}

const SCALE: &str = "<p class=\"scale small\"><span>0</span><i class=\"bar\"></i><span>1 = its bound</span>\
                     <span class=\"swatch failed\">failed</span><span class=\"swatch inherited\">inherited</span></p>\n";

fn svg(step: &Step) -> String {
    let edges = edges(&step.rows);
    let layout = place(step.rows.len(), &edges, &SIZES);
    let (width, height) = (layout.size.0 + 2.0 * ROOM, layout.size.1 + 2.0 * ROOM);
    let mut out = format!(
        "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{:.0} {:.0} {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"graph of the train step\">\n",
        -ROOM, -ROOM
    );
    for ((from, to), path) in edges.iter().zip(&layout.edges) {
        let carries = step.rows[*to].inherited_from.as_ref() == Some(&step.rows[*from].name);
        let class = if carries { "edge carries" } else { "edge" };
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{}\"/>", curve(path));
    }
    for (row, (x, y)) in step.rows.iter().zip(&layout.nodes) {
        node(&mut out, row, (x - SIZES.node.0 / 2.0, y - SIZES.node.1 / 2.0));
    }
    out + "</svg>\n"
}

/// Pairs of places in `rows`: from an operand to what is computed from it.
fn edges(rows: &[Row]) -> Vec<(usize, usize)> {
    let mut writer: HashMap<&str, usize> = HashMap::new();
    let mut edges = Vec::new();
    let mut start = 0;
    for dispatch in rows.chunk_by(|a, b| a.dispatch == b.dispatch) {
        for (k, row) in dispatch.iter().enumerate() {
            // Only values written by earlier dispatches: a parameter that is read here may be written later.
            let mut from: Vec<usize> = operands(row).iter().filter_map(|name| writer.get(name).copied()).collect();
            from.sort_unstable();
            from.dedup();
            edges.extend(from.into_iter().map(|from| (from, start + k)));
        }
        for (k, row) in dispatch.iter().enumerate() {
            writer.insert(&row.name, start + k);
        }
        start += dispatch.len();
    }
    edges
}

/// The operands that a value depends on. An optimizer's dispatch updates all parameters at once, element by element, so
/// that each depends on its own gradient and on no other parameter's.
fn operands(row: &Row) -> Vec<&str> {
    let gradients = || row.operands.iter().filter_map(|o| o.strip_prefix("grad."));
    let own = gradients().find(|p| row.name == **p || row.name.ends_with(&format!(".{p}")));
    let kept = |o: &&String| match (own, o.strip_prefix("grad.")) {
        (Some(own), Some(other)) => own == other,
        _ => true,
    };
    row.operands.iter().filter(kept).map(String::as_str).collect()
}

/// From the lower edge of the source to the upper edge of the target; upright through each level between.
fn curve(path: &[(f64, f64)]) -> String {
    let half = SIZES.node.1 / 2.0;
    let bend = SIZES.gap.1 * 0.55;
    let mut d = format!("M{:.1} {:.1}", path[0].0, path[0].1 + half);
    for (k, pair) in path.windows(2).enumerate() {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (from, to) = (y0 + half, y1 - half);
        let _ = write!(d, "C{x0:.1} {:.1} {x1:.1} {:.1} {x1:.1} {to:.1}", from + bend, to - bend);
        if k + 2 < path.len() {
            let _ = write!(d, "V{:.1}", y1 + half);
        }
    }
    d
}

fn node(out: &mut String, row: &Row, (x, y): (f64, f64)) {
    let standing = Standing::of(row);
    let share = if row.max_ratio().is_finite() { row.max_ratio().clamp(0.0, 1.0) } else { 1.0 };
    let state = match standing {
        Standing::Passed => String::new(),
        Standing::Failed => " · FAILED".to_owned(),
        Standing::Inherited => " · inherited".to_owned(),
    };
    let (width, height) = SIZES.node;
    let text = |line: f64, class: &str, text: &str| {
        format!("<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 9.0, y + line, Esc(text))
    };
    let _ = writeln!(
        out,
        "<g class=\"node {}\" style=\"--r:{share:.3}\"><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width}\" \
         height=\"{height}\" rx=\"6\"/>{}{}{}</g>",
        standing.class(),
        Esc(&numbers(row)),
        text(18.0, "name", &shortened(&row.name)),
        text(33.5, "what", &shortened(&format!("{} {:?}", row.kernel, row.total.shape))),
        text(48.5, "what", &format!("{}{state}", ratio(row.max_ratio()))),
    );
}

/// What the pointer shows.
fn numbers(row: &Row) -> String {
    let side = |name: &str, c: &crate::compare::Comparison| {
        format!(
            "{name}: ratio {}, max abs {}, max rel {}, max ULP {}, RMS {}",
            ratio(c.max_ratio),
            figure(c.max_abs),
            figure(c.max_rel),
            figure(c.max_ulp),
            figure(c.rms)
        )
    };
    let mut text = format!(
        "{}\n{} {:?}, dispatch {}\n{}\n{}",
        row.name,
        row.kernel,
        row.total.shape,
        row.dispatch,
        side("local", &row.local),
        side("total", &row.total)
    );
    if let Some(fault) = row.fault() {
        let _ = write!(text, "\n{fault}");
    }
    text
}

/// A name that fits, cut in its middle: what tells names apart is mostly at their ends.
fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= NAME_LETTERS {
        return name.to_owned();
    }
    let head: String = letters[..NAME_LETTERS / 2].iter().collect();
    let tail: String = letters[letters.len() - NAME_LETTERS / 2..].iter().collect();
    format!("{head}…{tail}")
}
