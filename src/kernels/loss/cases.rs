//! What conformance cases put before the losses.

use super::Output;
use crate::kernels::conformance::{Case, Scale, Shape, Values, normal, repeated, strided_rows};
use crate::kernels::definition::{Binding, Param, read, read_u32, step, write};
use crate::kernels::philox::Philox;

/// The bindings of a loss, by what it takes an output for.
pub const fn bindings(output: Output) -> [Binding; 6] {
    let (pred, expected) = match output {
        Output::Number => (Values::Extreme, read("expected").matrix().of(Values::Own(numbers))),
        Output::Probability => {
            (Values::Own(predicted_probabilities), read("expected").matrix().of(Values::Own(probabilities)))
        }
        Output::Logit => (Values::Extreme, read("expected").matrix().of(Values::Own(probabilities))),
        Output::Margin => (Values::Extreme, read("expected").matrix().of(Values::Own(signs))),
        Output::ClassLogit => (Values::Extreme, read_u32("expected").of(Values::Own(classes))),
    };
    // A row of upstream gradients is that of a table, or the same for all steps.
    let upstream = read("upstream").table(|a| a.size(2)).of(Values::Weight);
    [step(), read("pred").matrix().of(pred), expected, upstream, write("loss"), write("dpred").matrix()]
}

/// The stride of the upstream table: a row for each step, or one for all.
pub fn shapes() -> Vec<Shape> {
    strided_rows(|stride| vec![Param::U(stride as u32)])
}

/// With label smoothing in the middle, where the cases with NaN come from, so that both scales meet each.
pub fn class_shapes() -> Vec<Shape> {
    let mut shapes = shapes();
    let smoothed: Vec<Shape> = shapes.iter().map(|s| s.clone().with(&[("SMOOTHING", 0.1)])).collect();
    let middle = shapes.len() / 2;
    shapes.splice(middle..middle, smoothed);
    shapes
}

/// A target for each prediction, from the prediction and a number below 3.
fn targets(case: &Case, len: usize, rng: &mut Philox, of: impl Fn(f64, u32, &mut Philox) -> f64) -> Vec<f64> {
    let pred = &case.values[1];
    (0..len)
        .map(|k| {
            let choice = rng.below(3);
            of(pred[k], choice, rng)
        })
        .collect()
}

/// Some targets are met: the kink of mae, the vertex of the squares.
fn numbers(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    targets(case, len, rng, |y, choice, rng| if choice == 0 { y } else { normal(rng) })
}

fn probabilities(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    targets(case, len, rng, |_, choice, rng| if choice == 0 { rng.next_f64() } else { f64::from(choice - 1) })
}

fn signs(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    targets(case, len, rng, |_, choice, _| [-1.0, 1.0, 1.0][choice as usize])
}

fn classes(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    repeated(len, || f64::from(rng.below(case.args.size(1) as u32)))
}

fn predicted_probabilities(_case: &Case, len: usize, scale: Scale, rng: &mut Philox) -> Vec<f64> {
    const ENDS: [f64; 6] = [0.0, 1.0, 1e-30, 1e-12, 0.5, 1.0 - 1.0 / 16_777_216.0];
    repeated(len, || match (scale, rng.below(3)) {
        (Scale::Mixed, 0) => ENDS[rng.below(6) as usize],
        _ => rng.next_f64(),
    })
}
