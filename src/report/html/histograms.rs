//! Distributions of parameters and gradients over time: a ridge an epoch, the first behind, the last in front.

use super::format::{Esc, count, value};
use super::section;
use crate::report::{Histogram, RunReport};
use std::fmt::Write;

/// Tensors shown; of a deeper network the first ones and the last.
const TENSORS: usize = 16;
/// Units across and down of a drawing, and height of the highest ridge.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 1000.0;
const RIDGE: f64 = 420.0;

/// The section, or nothing.
pub fn render(report: &RunReport) -> String {
    let Some(last) = report.histograms.last().filter(|h| !h.tensors.is_empty()) else { return String::new() };
    let total = last.tensors.len();
    let shown = |i: &usize| total <= TENSORS || *i < TENSORS / 2 || *i >= total - TENSORS / 2;
    let left_out =
        if total > TENSORS { format!(" {} of {total} parameters are shown.", TENSORS) } else { String::new() };
    let drawn = |i: usize| {
        let name = &last.tensors[i].name;
        let of_tensor = |gradient: bool| -> Vec<(usize, &Histogram)> {
            let samples = report.histograms.iter().filter_map(|sample| {
                let tensor = sample.tensors.get(i).filter(|t| t.name == *name)?;
                let found = if gradient { tensor.gradient.as_ref()? } else { &tensor.values };
                Some((sample.epoch, found))
            });
            samples.filter(|(_, h)| h.low.is_finite() && h.high.is_finite() && h.total() > 0).collect()
        };
        let values = ridges("values", "train", &of_tensor(false));
        let gradient = ridges("gradient", "validation", &of_tensor(true));
        format!("<div class=\"ridges\"><h3>{}</h3>\n{values}{gradient}</div>\n", Esc(name))
    };
    let rows: String = (0..total).filter(shown).map(drawn).collect();
    let epochs: Vec<String> = report.histograms.iter().map(|h| count(h.epoch)).collect();
    let lead = format!(
        "How their numbers are distributed at the ends of epochs {}, from behind to the front; gradients are those of the last \
         step.{left_out}",
        epochs.join(", ")
    );
    section(
        "Parameters and gradients",
        &format!("<p class=\"lead\">{lead}</p>\n<div class=\"distributions\">\n{rows}</div>"),
    )
}

/// One drawing: all samples over the same range.
fn ridges(title: &str, class: &str, samples: &[(usize, &Histogram)]) -> String {
    let ends = samples.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (_, h)| (a.min(h.low), b.max(h.high)));
    let (low, high) = if ends.0 < ends.1 { ends } else { (ends.0 - 0.5, ends.1 + 0.5) };
    if !(high - low).is_finite() || low >= high {
        return String::new();
    }
    let step = (HEIGHT - RIDGE) / (samples.len().max(2) - 1) as f64;
    let mut paths = String::new();
    for (i, (epoch, h)) in samples.iter().enumerate() {
        let base = RIDGE + step * i as f64;
        let place = |v: f64| ((v - low) / (high - low) * WIDTH).clamp(0.0, WIDTH);
        let width = (h.high - h.low) / h.counts.len() as f64;
        // Each has its own scale: beside the first gradients the last ones would be needles.
        let densest = heights(h, high - low).fold(0.0, f64::max);
        let mut d = format!("M{:.0} {base:.0}", place(h.low));
        for (bin, height) in heights(h, high - low).enumerate() {
            let at = place(h.low + (bin as f64 + 0.5) * width);
            let _ = write!(d, "L{at:.0} {:.0}", base - RIDGE * 0.96 * height / densest);
        }
        let _ = write!(d, "L{:.0} {base:.0}z", place(h.high));
        let n = h.total() as f64;
        let mean = h.sum / n;
        let deviation = (h.sum_squares / n - mean * mean).max(0.0).sqrt();
        let said = format!("epoch {epoch}: mean {}, deviation {}", value(mean), value(deviation));
        let _ = write!(paths, "<path class=\"ridge {class}\" d=\"{d}\"><title>{}</title></path>", Esc(&said));
    }
    let zero = (low < 0.0 && high > 0.0)
        .then(|| format!("<path class=\"grid\" d=\"M{:.0} 0V{HEIGHT:.0}\"/>", -low / (high - low) * WIDTH));
    format!(
        "<figure class=\"ridge-plot\"><svg viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"distribution of the {title}\">{}{paths}</svg><figcaption><span>{}</span><b>{title}</b>\
         <span>{}</span></figcaption></figure>\n",
        zero.unwrap_or_default(),
        value(low),
        value(high)
    )
}

/// Densities of the bins, in units of the whole range; the root of them, beside which thin tails are seen.
fn heights(h: &Histogram, range: f64) -> impl Iterator<Item = f64> {
    let width = ((h.high - h.low) / range).max(1e-3) / h.counts.len() as f64;
    let total = h.total() as f64;
    h.counts.iter().map(move |c| (*c as f64 / total / width).sqrt())
}
