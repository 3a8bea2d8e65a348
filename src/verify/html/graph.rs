//! The graph of the train step: a node for each value, coloured by error / bound.

use super::layout::{Sizes, Stop, place};
use super::{figure, ratio, standing};
use crate::report::html::format::Esc;
use crate::verify::{Row, Step};
use std::collections::HashMap;
use std::fmt::Write;

/// Of a node.
const NODE: (f64, f64) = (184.0, 56.0);
/// Between the nodes of a stack.
const STACK_GAP: f64 = 4.0;
const SIZES: Sizes = Sizes { node: NODE.0, gap: (14.0, 32.0), edge: 9.0 };
/// Room around the drawing, so that outlines are not cut.
const ROOM: f64 = 4.0;
/// Above this many values a picture shows nothing; the page says so instead.
const DRAWN_VALUES: usize = 600;
/// Letters of a name that fit a node.
const NAME_LETTERS: usize = 25;

/// The card with the graph. `first` is the first row at fault, which may be one of this step.
pub fn render(step: &Step, first: Option<&Row>) -> String {
    let rows = &step.rows;
    let drawing = if rows.len() > DRAWN_VALUES {
        format!("<p class=\"small\">{} values are too many for a picture; the table lists them.</p>\n", rows.len())
    } else {
        format!("{SCALE}<div class=\"scroll graph\">{}</div>", svg(step, first))
    };
    format!(
        "<section class=\"card\"><h2>Train step {}</h2>\n<p class=\"small\">Each value in the order of the dispatches, under the \
         values that it is computed from; colour: the larger of local and total error / bound.</p>\n{drawing}</section>\n",
        step.step
    )
}

const SCALE: &str = "<p class=\"scale small\"><span>0</span><i class=\"bar\"></i><span>1 = its bound</span>\
                     <span class=\"swatch failed\">failed</span><span class=\"swatch inherited\">inherited</span></p>\n";

fn svg(step: &Step, first: Option<&Row>) -> String {
    let rows = &step.rows;
    let edges = edges(rows);
    let stacks = stacks(rows, &edges);
    let mut stack_of = vec![0; rows.len()];
    stacks.iter().enumerate().for_each(|(s, members)| members.iter().for_each(|i| stack_of[*i] = s));
    let mut drawn: Vec<(usize, usize)> = edges.iter().map(|e| (stack_of[e.0], stack_of[e.1])).collect();
    drawn.sort_unstable();
    drawn.dedup();
    let height = |members: &Vec<usize>| members.len() as f64 * (NODE.1 + STACK_GAP) - STACK_GAP;
    let layout = place(&stacks.iter().map(height).collect::<Vec<f64>>(), &drawn, &SIZES);
    let (width, height) = (layout.size.0 + 2.0 * ROOM, layout.size.1 + 2.0 * ROOM);
    let mut out = format!(
        "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{:.0} {:.0} {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"graph of the train step\">\n",
        -ROOM, -ROOM
    );
    for ((from, to), path) in drawn.iter().zip(&layout.edges) {
        let names: Vec<&String> = stacks[*from].iter().map(|i| &rows[*i].name).collect();
        let carries = stacks[*to].iter().any(|i| rows[*i].inherited_from.as_ref().is_some_and(|f| names.contains(&f)));
        let class = if carries { "edge carries" } else { "edge" };
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{}\"/>", curve(path));
    }
    for (members, (x, y)) in stacks.iter().zip(&layout.nodes) {
        for (k, i) in members.iter().enumerate() {
            let is_first = first.is_some_and(|f| std::ptr::eq(f, &rows[*i]));
            node(&mut out, &rows[*i], is_first, (*x, y + k as f64 * (NODE.1 + STACK_GAP)));
        }
    }
    out + "</svg>\n"
}

/// Values that one dispatch writes from the same operands and that nothing reads afterwards stand on top of each other:
/// an optimizer's parameter and its states. Stacks are in the order of their first values.
fn stacks(rows: &[Row], edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut stacks: Vec<Vec<usize>> = Vec::new();
    let mut open: HashMap<(usize, Vec<usize>), usize> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        let from: Vec<usize> = edges.iter().filter(|e| e.1 == i).map(|e| e.0).collect();
        if from.is_empty() || edges.iter().any(|e| e.0 == i) {
            stacks.push(vec![i]);
            continue;
        }
        let stack = *open.entry((row.dispatch, from)).or_insert(stacks.len());
        if stack == stacks.len() {
            stacks.push(Vec::new());
        }
        stacks[stack].push(i);
    }
    stacks
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

/// From the lower end of the source to the upper end of the target; upright through each level between.
fn curve(path: &[Stop]) -> String {
    let bend = SIZES.gap.1 * 0.55;
    let mut d = format!("M{:.1} {:.1}", path[0].x, path[0].start);
    for pair in path.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let _ = write!(
            d,
            "V{:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.bottom,
            from.x,
            from.bottom + bend,
            to.x,
            to.top - bend,
            to.x,
            to.top
        );
    }
    d
}

fn node(out: &mut String, row: &Row, is_first: bool, (x, y): (f64, f64)) {
    let standing = standing(row);
    let share = if row.max_ratio().is_finite() { row.max_ratio().clamp(0.0, 1.0) } else { 1.0 };
    let state = match standing {
        "passed" => "",
        _ if is_first => " · FIRST AT FAULT",
        "failed" => " · FAILED",
        _ => " · inherited",
    };
    let (width, height) = NODE;
    let text = |line: f64, class: &str, text: &str| {
        format!("<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 9.0, y + line, Esc(text))
    };
    let _ = writeln!(
        out,
        "<g class=\"node {}{}\" style=\"--r:{share:.3}\"><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width}\" \
         height=\"{height}\" rx=\"6\"/>{}{}{}</g>",
        standing,
        if is_first { " first" } else { "" },
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
