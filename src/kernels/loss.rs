//! Losses: the loss of each sample, and its gradient times the upstream gradient of the sample, in one pass.

use super::conformance::{Case, MANY, Scale, Shape, Values, normal, padded_nan, repeated, strided_rows};
use super::cpu;
use super::definition::{Binding, Definition, Param, kernels, read, read_u32, step, write};
use super::philox::Philox;

/// A row of upstream gradients is that of a table, or the same for all steps.
const UPSTREAM: Binding = read("upstream").table(|a| a.size(2)).of(Values::Weight);

const fn bindings(pred: Values, expected: Binding) -> [Binding; 6] {
    [step(), read("pred").matrix().of(pred), expected, UPSTREAM, write("loss"), write("dpred").matrix()]
}

const fn expected(values: fn(&Case, usize, Scale, &mut Philox) -> Vec<f64>) -> Binding {
    read("expected").matrix().of(Values::Own(values))
}

const LOSS: Definition = Definition {
    bindings: &bindings(Values::Extreme, expected(numbers)),
    params: &["rows", "cols", "upstream_stride"],
    flops: |a| 6 * a.area(),
    bytes: |a| 4 * (3 * a.area() + 2 * a.count(0)),
    shapes: |_| shapes(&[]),
    corners: padded_nan,
    ..Definition::ROW_WISE
};

kernels! {
    half_squared_error: "half_squared_error.wgsl", cpu::half_squared_error::half_squared_error, cpu::half_squared_error::bound,
    "loss: gamma(depth + 4) * loss; dpred: 3u |dpred|; depth = LANES > 1 ? ceil(cols / 64) + 6 : cols" { ..LOSS }
    mse: "mse.wgsl", cpu::mse::mse, cpu::mse::bound,
    "loss: (gamma(depth + 3) + DIV) * loss; dpred: (DIV + 3u) |dpred|" {
        // More than 65,535 workgroups, without barriers: a software rasteriser would take ten seconds for them.
        shapes: |_| [shapes(&[]), vec![Shape::of(&[MANY, 1, 0]).with(&[("LANES", 1.0)])]].concat(),
        ..LOSS
    }
    mae: "mae.wgsl", cpu::mae::mae, cpu::mae::bound,
    "loss: (gamma(depth + 1) + DIV) * loss; dpred: (DIV + 2u) |dpred|" { ..LOSS }
    huber: "huber.wgsl", cpu::huber::huber, cpu::huber::bound,
    "loss: (gamma(depth + 7) + DIV) * loss; dpred: (DIV + 4u) |dpred|" {
        params: &["rows", "cols", "upstream_stride", "delta"], shapes: |_| shapes(&[Param::F(0.7)]),
        ..LOSS
    }
    binary_cross_entropy: "binary_cross_entropy.wgsl", cpu::binary_cross_entropy::binary_cross_entropy, cpu::binary_cross_entropy::bound,
    "loss: (gamma(depth + 5) + LOG + 2 DIV) * loss; dpred: (2 DIV + 7u) |dpred|" {
        bindings: &bindings(Values::Own(predicted_probabilities), expected(probabilities)),
        ..LOSS
    }
    bce_with_logits: "bce_with_logits.wgsl", cpu::bce_with_logits::bce_with_logits, cpu::bce_with_logits::bound,
    "loss: (gamma(depth + 5) + EXP + LOG + DIV) * loss; dpred: (2 EXP + 2 DIV + 7u) * upstream / cols * \
            ((1 - t) s(z) + t s(-z))" {
        bindings: &bindings(Values::Extreme, expected(probabilities)),
        ..LOSS
    }
    cross_entropy: "cross_entropy.wgsl", cpu::cross_entropy::cross_entropy, cpu::cross_entropy::bound,
    "r_j = EXP + u (max - z_j); loss: (gamma(depth + 2) + mean r + LOG + u) * loss + u (max - z_t); \
            dpred: (gamma(depth + 2) + r_j + mean r + DIV + 3u) |dpred|" {
        bindings: &bindings(Values::Extreme, read_u32("expected").of(Values::Own(classes))),
        shapes: |_| class_shapes(),
        ..LOSS
    }
    hinge: "hinge.wgsl", cpu::hinge::hinge, cpu::hinge::bound,
    "loss: (gamma(depth + 1) + DIV) * loss + u * mean|t y| (0 for t = 1, -1); dpred: (DIV + 2u) |dpred|" {
        bindings: &bindings(Values::Extreme, expected(signs)),
        ..LOSS
    }
}

/// The stride of the upstream table: a row for each step, or one for all.
fn shapes(tail: &[Param]) -> Vec<Shape> {
    strided_rows(|stride| [&[Param::U(stride as u32)], tail].concat())
}

/// With label smoothing in the middle, where the cases with NaN come from, so that both scales meet each.
fn class_shapes() -> Vec<Shape> {
    let mut shapes = shapes(&[]);
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
