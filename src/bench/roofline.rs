//! The roofline of a device with the dispatches of training steps, as SVG (Williams, Waterman and Patterson, "Roofline: an
//! insightful visual performance model for multicore architectures", CACM 2009): intensity in operations a byte along x,
//! rate along y, both logarithmic; no point can lie above the roof that its data meets.

use super::peaks::Peaks;
use super::profile::{Bound, DispatchLine};
use crate::report::ends;
use crate::report::html::format::Esc;
use std::fmt::Write;

/// Width of the picture, in its units, as all sizes here.
pub const WIDTH: f64 = 960.0;
/// Height of the picture.
pub const HEIGHT: f64 = 600.0;
/// Margin with the figures of the vertical axis.
pub const LEFT: f64 = 76.0;
/// Margin at the right.
pub const RIGHT: f64 = 24.0;
/// Margin with the title.
const TOP: f64 = 64.0;
/// Margin with the figures of the horizontal axis and the names of the dispatches.
pub const BOTTOM: f64 = 96.0;
/// Colours that stay apart for colour-blind readers (Okabe and Ito, 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A logarithmic axis between powers of ten.
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Axis {
        let logs = values.filter(|v| v.is_finite() && *v > 0.0).map(f64::log10);
        let (low, high) = ends(logs).map_or((0, 1), |(low, high)| (low.floor() as i32, high.ceil() as i32));
        Axis { low, high: high.max(low + 1), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }

    fn ends(&self) -> [f64; 2] {
        [10f64.powi(self.low), 10f64.powi(self.high)]
    }
}

/// Dispatches of one workload (or the kernel table).
pub type Group<'a> = (&'a str, &'a [DispatchLine]);

fn intensity(d: &DispatchLine) -> f64 {
    d.flops as f64 / d.bytes as f64
}

/// The plot. Dispatches without operations (copies, the step counter) have no place on it and are left out.
pub fn roofline(device: &str, peaks: &Peaks, groups: &[Group<'_>]) -> String {
    let points = || groups.iter().flat_map(|(_, lines)| lines.iter()).filter(|d| d.flops > 0);
    let ridge = peaks.gflop_per_s / peaks.read_gb_per_s;
    let x = Axis::new(points().map(intensity).chain([ridge, 0.1, 100.0]), LEFT, WIDTH - RIGHT);
    let rates = points().map(|d| d.gflop_per_s).chain([peaks.gflop_per_s, 1.0]);
    let y = Axis::new(rates, HEIGHT - BOTTOM, TOP);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\">\n<title>Roofline of {0}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"17\" fill=\"#111\">Roofline of {0}</text>",
        Esc(device)
    );
    axes(&mut svg, &x, &y);
    roofs(&mut svg, &x, &y, peaks);
    for (i, (_, lines)) in groups.iter().enumerate() {
        lines.iter().filter(|d| d.flops > 0).for_each(|d| point(&mut svg, &x, &y, d, COLOURS[i % COLOURS.len()]));
    }
    names(&mut svg, points().map(|d| (x.at(intensity(d)), y.at(d.gflop_per_s), d.kernel.as_str())));
    legend(&mut svg, groups);
    svg.push_str("</svg>\n");
    svg
}

fn axes(svg: &mut String, x: &Axis, y: &Axis) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let (below, beside) = (bottom + 18.0, LEFT - 8.0);
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = writeln!(svg, "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"#e4e4e4\"/>");
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\" fill=\"#444\">{tick}</text>");
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = writeln!(svg, "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#e4e4e4\"/>");
        let base = at + 4.0;
        let _ = writeln!(svg, "<text x=\"{beside}\" y=\"{base:.1}\" text-anchor=\"end\" fill=\"#444\">{tick}</text>");
    }
    let middle = (TOP + bottom) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#111\">operations a byte</text>\n\
         <text x=\"20\" y=\"{middle}\" text-anchor=\"middle\" fill=\"#111\" transform=\"rotate(-90 20 {middle})\">\
         GFLOP/s</text>",
        (LEFT + right) / 2.0,
        bottom + 38.0
    );
}

/// The two sloping roofs end at the flat one, or where they leave the plot.
fn roofs(svg: &mut String, x: &Axis, y: &Axis, peaks: &Peaks) {
    let ([left, right], [floor, _]) = (x.ends(), y.ends());
    // A cache that is as fast as memory to a shader would only hide memory's label.
    let cached = peaks.cached_gb_per_s > 1.2 * peaks.read_gb_per_s;
    let memory = (peaks.read_gb_per_s, "memory", "none", 16);
    let slopes = [memory, (peaks.cached_gb_per_s, "cache", "6 4", -6)];
    let mut flat_from = right;
    for (rate, name, dash, dy) in slopes.into_iter().take(1 + usize::from(cached)) {
        let (from, to) = (left.max(floor / rate), (peaks.gflop_per_s / rate).clamp(left, right));
        flat_from = flat_from.min(to);
        let (x1, y1, x2, y2) = (x.at(from), y.at(from * rate), x.at(to), y.at(to * rate));
        let (cx, cy) = (x1 + (x2 - x1) * 0.3, y1 + (y2 - y1) * 0.3);
        let angle = (y2 - y1).atan2(x2 - x1).to_degrees();
        let _ = writeln!(
            svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#111\" stroke-width=\"1.5\" \
             stroke-dasharray=\"{dash}\"/>\n<text x=\"{cx:.1}\" y=\"{cy:.1}\" dy=\"{dy}\" fill=\"#111\" \
             transform=\"rotate({angle:.1} {cx:.1} {cy:.1})\">{name}: {rate:.1} GB/s</text>"
        );
    }
    let (x1, x2, at) = (x.at(flat_from), x.at(right), y.at(peaks.gflop_per_s));
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{at:.1}\" x2=\"{x2:.1}\" y2=\"{at:.1}\" stroke=\"#111\" stroke-width=\"1.5\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#111\">f32: {:.1} GFLOP/s</text>",
        x2 - 4.0,
        at - 6.0,
        peaks.gflop_per_s
    );
}

/// Filled where operations or bytes bound the dispatch, hollow where its overhead does.
fn point(svg: &mut String, x: &Axis, y: &Axis, d: &DispatchLine, colour: &str) {
    let (cx, cy) = (x.at(intensity(d)), y.at(d.gflop_per_s));
    if !(cx.is_finite() && cy.is_finite()) {
        return;
    }
    let fill = if d.bound == Bound::Overhead { "#ffffff" } else { colour };
    let _ = writeln!(
        svg,
        "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"5\" fill=\"{fill}\" fill-opacity=\"0.8\" stroke=\"{colour}\" \
         stroke-width=\"1.8\"><title>{} {}: {:.1} us, {:.2} GFLOP/s, {:.2} GB/s, {:.0} % of its bound ({})</title></circle>",
        Esc(&d.kernel),
        Esc(&d.label),
        d.time_us.median,
        d.gflop_per_s,
        d.gb_per_s,
        100.0 * d.share_of_peak,
        d.bound.name()
    );
}

/// Names beside the points, as far as there is room: a point whose name would cover another has its tooltip.
fn names<'a>(svg: &mut String, points: impl Iterator<Item = (f64, f64, &'a str)>) {
    let points: Vec<_> = points.filter(|(x, y, _)| x.is_finite() && y.is_finite()).collect();
    let mut taken: Vec<[f64; 4]> = points.iter().map(|(x, y, _)| [x - 6.0, y - 6.0, x + 6.0, y + 6.0]).collect();
    for (x, y, name) in points {
        let end = x + 8.0 + 6.0 * name.len() as f64;
        let area = [x + 8.0, y - 7.0, end, y + 7.0];
        let meets = |t: &[f64; 4]| area[0] < t[2] && t[0] < area[2] && area[1] < t[3] && t[1] < area[3];
        if end > WIDTH || taken.iter().any(meets) {
            continue;
        }
        let (x, y, name) = (x + 9.0, y + 3.5, Esc(name));
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\" fill=\"#333\">{name}</text>");
        taken.push(area);
    }
}

fn legend(svg: &mut String, groups: &[Group<'_>]) {
    let mut at = LEFT;
    for (i, (name, _)) in groups.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"46\" r=\"5\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"50\" fill=\"#111\">{}</text>",
            at + 5.0,
            at + 15.0,
            Esc(name)
        );
        // A character of this size is about 7 units wide.
        at += 34.0 + 7.0 * name.len() as f64;
    }
    let words = [
        "Each point is a dispatch. Hollow: a dispatch that does nothing would take longer than its operations and its bytes.",
        "Dispatches without operations (copies, the step counter) have no place here.",
    ];
    for (line, words) in words.iter().enumerate() {
        let y = HEIGHT - 32.0 + 16.0 * line as f64;
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{y}\" fill=\"#444\">{words}</text>");
    }
}
