//! The picture: a function of the state and the size of the terminal.

use super::state::{Curve, State};
use crate::cli::out;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Sparkline, Wrap};

/// Below this the panels would hold nothing.
const LEAST: (u16, u16) = (40, 12);
/// From this width on facts stand beside the curves.
const WIDE: u16 = 90;
/// A loss that spans more than this factor is drawn on a logarithmic axis.
const LOGARITHMIC: f64 = 20.0;

// Colours of the terminal's own palette: its user chose them, light or dark.
const TRAINING: Color = Color::Cyan;
const VALIDATION: Color = Color::Yellow;

/// Draws `state`; `standing` says that the run pauses or stops, if it does.
pub fn draw(frame: &mut Frame<'_>, state: &State, standing: &str) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("{} ({} x {} at least)", progress_line(state), LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    }
    let lower = (area.height / 3).clamp(3, 11);
    let rows = [Constraint::Length(3), Constraint::Min(6), Constraint::Length(lower), Constraint::Length(1)];
    let [head, middle, foot, keys] = Layout::vertical(rows).areas(area);
    header(frame, head, state, standing);
    if area.width >= WIDE {
        let [left, right] = Layout::horizontal([Constraint::Min(40), Constraint::Length(44)]).areas(middle);
        curves(frame, left, state);
        let [above, below] = Layout::vertical([Constraint::Min(4), Constraint::Length(5)]).areas(right);
        facts(frame, above, state);
        rates(frame, below, state);
    } else {
        curves(frame, middle, state);
    }
    let [left, right] = Layout::horizontal([Constraint::Length(38), Constraint::Min(10)]).areas(foot);
    times(frame, left, state);
    messages(frame, right, state);
    let line = "q stop and save   s checkpoint   p pause";
    frame.render_widget(Paragraph::new(line).style(Style::new().add_modifier(Modifier::DIM)), keys);
}

fn panel(title: impl Into<String>) -> Block<'static> {
    Block::bordered().title(format!(" {} ", title.into()))
}

fn progress_line(state: &State) -> String {
    let Some(p) = state.progress else { return "waiting for the first step".into() };
    let left = state.seconds_left().map(|s| format!("  {} left", duration(s))).unwrap_or_default();
    let (steps, total) = (out::count(p.steps), out::count(p.total_steps));
    format!("epoch {}/{}  step {steps}/{total}  loss {:.5}{left}", p.epoch, state.epochs, p.loss)
}

/// Minutes and seconds, from an hour on with hours.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn header(frame: &mut Frame<'_>, area: Rect, state: &State, standing: &str) {
    let colon = if standing.is_empty() { "" } else { ": " };
    let title = format!("wgrad {}{colon}{standing}", state.title);
    let gauge = Gauge::default()
        .block(panel(title))
        .gauge_style(Style::new().fg(TRAINING))
        .use_unicode(true)
        .ratio(state.share())
        .label(progress_line(state));
    frame.render_widget(gauge, area);
}

/// Training and validation loss over the steps.
fn curves(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let block = panel("loss over steps");
    let ranges = [state.loss.range(), state.validation.range()].into_iter().flatten();
    let range = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((low, high)) = range else {
        frame.render_widget(Paragraph::new("no step yet").block(block), area);
        return;
    };
    let logarithmic = low > 0.0 && high / low > LOGARITHMIC;
    let scaled = |value: f64| if logarithmic { value.log10() } else { value };
    let points = |curve: &Curve| curve.points.iter().map(|p| (p.0, scaled(p.1))).collect::<Vec<_>>();
    let (training, validation) = (points(&state.loss), points(&state.validation));
    let mut sets = vec![dataset("training", &training, TRAINING)];
    if !validation.is_empty() {
        sets.push(dataset("validation", &validation, VALIDATION));
    }
    let (bottom, top) = padded(scaled(low), scaled(high));
    let value = |y: f64| if logarithmic { 10_f64.powf(y) } else { y };
    let labels = [bottom, (bottom + top) / 2.0, top].map(|y| short(value(y)));
    let firsts = training.first().into_iter().chain(validation.first()).map(|p| p.0);
    let first = firsts.fold(f64::INFINITY, f64::min).min(1.0);
    let lasts = training.last().into_iter().chain(validation.last()).map(|p| p.0);
    let last = lasts.fold(first + 1.0, f64::max);
    let chart = Chart::new(sets)
        .block(if logarithmic { panel("loss over steps, logarithmic") } else { block })
        .x_axis(Axis::default().bounds([first, last]).labels([out::count(first as u64), out::count(last as u64)]))
        .y_axis(Axis::default().bounds([bottom, top]).labels(labels));
    frame.render_widget(chart, area);
}

fn dataset<'a>(name: &'a str, points: &'a [(f64, f64)], color: Color) -> Dataset<'a> {
    let line = if points.len() < 2 { GraphType::Scatter } else { GraphType::Line };
    Dataset::default().name(name).data(points).marker(Marker::Braille).graph_type(line).style(Style::new().fg(color))
}

/// Room above and below, also around a curve that is a level line.
pub fn padded(low: f64, high: f64) -> (f64, f64) {
    let room = if high > low { 0.05 * (high - low) } else { (0.5 * low.abs()).max(1e-6) };
    (low - room, high + room)
}

/// A number in four digits.
pub fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{value:.1e}") } else { format!("{value:.4}") }
}

fn facts(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let mut lines: Vec<Line<'_>> = state.facts.iter().map(|(name, value)| fact(name, value.clone())).collect();
    if let Some(last) = &state.last {
        lines.push(fact("training", format!("{:.5} (epoch {})", last.train_loss, last.epoch)));
        lines.extend(last.validation_loss.map(|loss| fact("validation", format!("{loss:.5}"))));
        lines.extend(last.validation_accuracy.map(|a| fact("accuracy", out::percent(a))));
    }
    frame.render_widget(Paragraph::new(lines).block(panel("run")), area);
}

fn fact(name: &str, value: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<11} "), Style::new().add_modifier(Modifier::DIM)), Span::raw(value)])
}

fn rates(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let now = state.rates.back().copied().unwrap_or(0);
    let block = panel(format!("{} samples/s", out::count(now)));
    let width = usize::from(area.width.saturating_sub(2));
    let skipped = state.rates.len().saturating_sub(width);
    let chart = Sparkline::default()
        .block(block)
        .data(state.rates.iter().skip(skipped).copied())
        .style(Style::new().fg(TRAINING));
    frame.render_widget(chart, area);
}

/// Shares of the time so far, the largest first.
fn times(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let mut parts = state.progress.map_or_else(Vec::new, |p| p.times.parts().to_vec());
    let sum: f64 = parts.iter().map(|part| part.1).sum();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let room = usize::from(area.width.saturating_sub(2 + 9 + 8)).max(1);
    let lines = parts.iter().filter(|part| part.1 > 0.0).map(|(name, seconds)| {
        let share = seconds / sum;
        let bar = "\u{2588}".repeat((share * room as f64).round() as usize);
        Line::from(vec![
            Span::raw(format!("{name:<9}")),
            Span::styled(format!("{bar:<room$}"), Style::new().fg(TRAINING)),
            Span::raw(format!("{:>6.1} %", 100.0 * share)),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(panel("time")), area);
}

fn messages(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let room = usize::from(area.height.saturating_sub(2));
    let lines: Vec<Line<'_>> = state.messages(room).map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).block(panel("messages")), area);
}
