//! The network, drawn layer by layer with its shapes, and the device.

use super::facts;
use super::format::{Esc, bytes, count};
use crate::report::RunReport;

/// The section.
pub fn render(report: &RunReport) -> String {
    let widths: Vec<usize> = report.layers.iter().filter_map(|layer| ends(layer)).map(|(_, out)| out).collect();
    let inputs = report.layers.first().and_then(|layer| ends(layer)).map(|(inputs, _)| inputs);
    let widest = widths.iter().copied().chain(inputs).max().unwrap_or(1);
    let input = inputs.map(|n| {
        let text = format!("batches of {} x {}", count(report.batch_size), count(n));
        format!("<li class=\"end\"><span style=\"width:{}%\">{}</span></li>\n", share(n, widest), Esc(&text))
    });
    let line = |(i, layer): (usize, &String)| {
        let width = ends(layer).map_or(100, |(_, out)| share(out, widest));
        let name = layer.replace("->", "→");
        format!("<li><span style=\"width:{width}%\">{}{}</span></li>\n", Esc(&name), shapes(report, i))
    };
    let layers: String = report.layers.iter().enumerate().map(line).collect();
    format!(
        "<section class=\"card\"><h2>Network</h2><ol class=\"layers\" start=\"0\">\n{}{layers}</ol>\n{}</section>\n",
        input.unwrap_or_default(),
        facts(&[
            ("Loss", report.loss.clone()),
            ("Parameters", count(report.parameters)),
            ("Memory of the plan", bytes(report.memory_bytes)),
            ("Digest of the weights", report.digest.clone()),
        ])
    )
}

/// Inputs and outputs in a layer's line: `64 -> 32 sigmoid`.
fn ends(layer: &str) -> Option<(usize, usize)> {
    let mut words = layer.split_whitespace();
    let inputs = words.next()?.parse().ok()?;
    words.next().filter(|word| *word == "->")?;
    Some((inputs, words.next()?.trim_end_matches(',').parse().ok()?))
}

/// How wide a layer is drawn, in per cent: by the logarithm, so that ten classes behind a thousand units are seen.
fn share(n: usize, widest: usize) -> u32 {
    let log = |n: usize| (1.0 + n as f64).ln();
    (40.0 + 60.0 * log(n) / log(widest.max(1))).clamp(40.0, 100.0) as u32
}

/// The parameters of layer `i`: "weight 32 x 64, bias 32".
fn shapes(report: &RunReport, i: usize) -> String {
    let prefix = format!("layers.{i}.");
    let named = |(name, shape): &(String, Vec<usize>)| {
        let sizes: Vec<String> = shape.iter().map(|n| count(*n)).collect();
        Some(format!("{} {}", name.strip_prefix(&prefix)?, sizes.join(" x ")))
    };
    let own: Vec<String> = report.shapes.iter().filter_map(named).collect();
    if own.is_empty() { String::new() } else { format!("<small>{}</small>", Esc(&own.join(", "))) }
}
