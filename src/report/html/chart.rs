//! Line charts: an SVG that stretches with its box, and axis labels in HTML that do not.

use super::axis::{Axis, drawable};
use super::format::Esc;

/// One curve.
pub struct Curve<'a> {
    /// What the legend says.
    pub name: &'a str,
    /// Its class in the style sheet, which gives colour and width.
    pub class: &'a str,
    /// x and y, x rising. A y that is no finite number is a gap.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
pub struct Chart<'a> {
    /// Heading.
    pub title: &'a str,
    /// What the vertical axis shows, and in which unit.
    pub y_title: &'a str,
    /// What the horizontal axis shows.
    pub x_title: &'a str,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The curves; the first lies lowest.
    pub curves: Vec<Curve<'a>>,
    /// Position and text of what shows up under the pointer.
    pub notes: Vec<(f64, String)>,
}

/// Columns that a curve is thinned to: more than a page has pixels across, so nothing visible is lost.
pub const COLUMNS: usize = 1200;
/// Up to so many points are marked with dots.
const DOTS: usize = 60;
/// Up to so many notes are kept; a pointer could not hit more of them apart.
const NOTES: usize = 240;
/// The SVG's own units across and down.
const SIDE: f64 = 1000.0;

impl Chart<'_> {
    /// The chart as a `figure` element.
    pub fn render(&self) -> String {
        let names: Vec<&str> = self.curves.iter().map(|c| c.name).collect();
        let key = |c: &Curve<'_>| format!("<span class=\"key {}\"><i></i>{}</span>", c.class, Esc(c.name));
        let legend: String = self.curves.iter().map(key).collect();
        let scale = if self.y.log { ", logarithmic" } else { "" };
        format!(
            "<figure class=\"card chart\"><figcaption><h2>{title}</h2><span class=\"legend\">{legend}</span></figcaption>\n\
             <p class=\"axis\">{y_title}{scale}</p>\n<div class=\"plot\">{y_ticks}\n\
             <svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title} against \
             {x_title}: {names}\">\n<path class=\"grid\" d=\"{grid}\"/>\n{paths}</svg>{notes}</div>\n\
             <div class=\"x-ticks\">{x_ticks}</div>\n<p class=\"axis x\">{x_title}</p>{gaps}</figure>\n",
            title = Esc(self.title),
            y_title = Esc(self.y_title),
            x_title = Esc(self.x_title),
            names = Esc(&names.join(", ")),
            y_ticks = ticks(&self.y, "y-tick", "bottom"),
            x_ticks = ticks(&self.x, "x-tick", "left"),
            grid = self.grid(),
            paths = self.curves.iter().map(|c| self.path(c)).collect::<String>(),
            notes = self.notes(),
            gaps = self.gaps(),
        )
    }

    /// Horizontal lines at the ticks.
    fn grid(&self) -> String {
        let at = self.y.ticks.iter().filter_map(|t| self.y.place(t.0));
        at.map(|y| format!("M0 {:.1}H1000", (1.0 - y) * SIDE)).collect()
    }

    /// One curve: a line for each run of finite values, and dots where they are few or stand alone.
    pub fn path(&self, curve: &Curve<'_>) -> String {
        let (mut line, mut dots) = (String::new(), String::new());
        let points = thin(&curve.points, self.x.low, self.x.high);
        let places: Vec<Option<(f64, f64)>> =
            points.iter().map(|&(x, y)| Some((self.x.place(x)? * SIDE, (1.0 - self.y.place(y)?) * SIDE))).collect();
        for (i, place) in places.iter().enumerate() {
            let Some((x, y)) = *place else { continue };
            let joined = i > 0 && places[i - 1].is_some();
            let alone = !joined && places.get(i + 1).is_none_or(|next| next.is_none());
            line.push_str(&format!("{}{x:.1} {y:.1}", if joined { 'L' } else { 'M' }));
            if alone || curve.points.len() <= DOTS {
                // A line of no length with round ends is a dot that stays round when the SVG is stretched.
                dots.push_str(&format!("M{x:.1} {y:.1}h0"));
            }
        }
        let path = |class: &str, d: &str| match d {
            "" => String::new(),
            d => format!("<path class=\"{class} {}\" d=\"{d}\"/>\n", curve.class),
        };
        path("line", &line) + &path("dots", &dots)
    }

    /// Upright strips, one a note, that show it under the pointer.
    fn notes(&self) -> String {
        let stride = self.notes.len().div_ceil(NOTES).max(1);
        let notes = self.notes.iter().step_by(stride);
        let placed = notes.filter_map(|(x, text)| Some((self.x.place(*x)?.clamp(0.0, 1.0), text.as_str())));
        let placed: Vec<(f64, &str)> = placed.collect();
        let mut out = String::new();
        for (i, &(x, text)) in placed.iter().enumerate() {
            let half = |j: Option<usize>, end: f64| j.and_then(|j| placed.get(j)).map_or(end, |p| (p.0 + x) / 2.0);
            let (left, right) = (half(i.checked_sub(1), 0.0), half(Some(i + 1), 1.0));
            let at = (x - left) / (right - left).max(1e-9) * 100.0;
            let side = if x > 0.5 { " flip" } else { "" };
            out.push_str(&format!(
                "<div class=\"note{side}\" style=\"left:{:.2}%;width:{:.2}%\"><i style=\"left:{at:.1}%\"></i>\
                 <b>{}</b></div>",
                left * 100.0,
                (right - left) * 100.0,
                Esc(text)
            ));
        }
        out
    }

    /// A sentence about values that could not be drawn.
    fn gaps(&self) -> String {
        let missing = |c: &Curve<'_>| c.points.iter().filter(|p| !drawable(p.1)).count();
        match self.curves.iter().map(missing).sum::<usize>() {
            0 => String::new(),
            1 => "<p class=\"gaps\">One value that is no finite number is left out.</p>".to_owned(),
            n => format!("<p class=\"gaps\">{n} values that are no finite number are left out.</p>"),
        }
    }
}

/// Labels of an axis, placed along `edge` in per cent.
pub(super) fn ticks(axis: &Axis, class: &str, edge: &str) -> String {
    let tick = |(at, label): &(f64, String)| {
        let share = 100.0 * axis.place(*at)?;
        Some(format!("<span class=\"{class}\" style=\"{edge}:{share:.2}%\">{}</span>", Esc(label)))
    };
    axis.ticks.iter().filter_map(tick).collect()
}

/// Thins a curve to the first smallest and first largest value of each column, in their order, and one gap where the
/// column has one: the eye sees the same curve, and a gap or a spike is never lost.
pub fn thin(points: &[(f64, f64)], low: f64, high: f64) -> Vec<(f64, f64)> {
    if points.len() <= 2 * COLUMNS {
        return points.to_vec();
    }
    let column = |x: f64| ((x - low) / (high - low) * COLUMNS as f64).floor() as i64;
    let mut out = Vec::with_capacity(3 * COLUMNS);
    for chunk in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let finite = || chunk.iter().enumerate().filter(|(_, p)| drawable(p.1));
        let least = finite().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(i, _)| i);
        let most = finite().max_by(|a, b| a.1.1.total_cmp(&b.1.1).then(b.0.cmp(&a.0))).map(|(i, _)| i);
        let gap = chunk.iter().position(|p| !drawable(p.1));
        let mut kept: Vec<usize> = [least, most, gap].into_iter().flatten().collect();
        kept.sort_unstable();
        kept.dedup();
        out.extend(kept.into_iter().map(|i| chunk[i]));
    }
    out
}
