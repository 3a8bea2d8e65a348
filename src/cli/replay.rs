//! `wgrad replay`

use super::{args, out};
use crate::train::replay::{Bundle, Node, Replay, replay, short};
use serde::Serialize;

#[derive(Serialize)]
struct Output<'a> {
    bundle: String,
    spec: &'a str,
    step: u64,
    epoch: u32,
    trained_on: &'a str,
    found: &'a str,
    reproduced: bool,
    #[serde(flatten)]
    replay: &'a Replay,
}

pub fn run(args: args::Replay) -> anyhow::Result<bool> {
    let bundle = Bundle::load(&args.bundle)?;
    let device = args.device.open()?;
    let found = pollster::block_on(replay(&bundle, &device))?;
    let origin = &bundle.origin;
    let output = Output {
        bundle: args.bundle.display().to_string(),
        spec: &origin.spec_name,
        step: origin.step,
        epoch: origin.epoch,
        trained_on: &origin.device,
        found: &origin.found,
        reproduced: found.reproduced(),
        replay: &found,
    };
    out::json_or_text(&args.json, &output, || text(&bundle, &found))?;
    Ok(!found.reproduced())
}

fn text(bundle: &Bundle, found: &Replay) -> String {
    let origin = &bundle.origin;
    let mut text = format!(
        "step {} (epoch {}) of {}, trained on {}: {}\nreplayed on {}, each operation by itself\n\n",
        origin.step, origin.epoch, origin.spec_name, origin.device, origin.found, found.device
    );
    let wide = found.nodes.iter().map(|n| n.name.len()).max().unwrap_or(0);
    found.nodes.iter().for_each(|node| text.push_str(&line(node, wide)));
    text.push_str(&format!("\nloss {}\n", found.loss));
    text.push_str(&match &found.culprit {
        Some(culprit) => format!("{culprit}\n"),
        None if found.reproduced() => "the bundle itself holds numbers that are not finite\n".to_string(),
        None => "not reproduced: every value is finite here\n".to_string(),
    });
    text
}

fn line(node: &Node, wide: usize) -> String {
    let number = node.dispatch.map_or_else(String::new, |i| i.to_string());
    let (name, phase, kernel) = (&node.name, node.phase, &node.kernel);
    let state = match node.nan + node.infinite {
        0 => "finite".to_string(),
        _ => format!("NOT FINITE: {} NaN, {} infinite", node.nan, node.infinite),
    };
    let shape = format!("{:?}", node.shape);
    let range = if node.min.is_nan() { String::new() } else { format!("{} .. {}", short(node.min), short(node.max)) };
    format!("{number:>4} {phase:<9} {kernel:<22} {name:<wide$} {shape:<14} {range:<26} {state}\n")
}
