//! Losses: the loss of each sample, and its gradient times the upstream gradient of the sample, in one pass.

use super::cpu;
use super::definition::Follow::{Rows, Table, Whole};
use super::definition::{Definition, Follow, kernels, read, read_u32, write};

const LOSS: Definition = Definition {
    bindings: &[read_u32("step"), read("pred"), read("expected"), read("upstream"), write("loss"), write("dpred")],
    params: &["rows", "cols", "upstream_stride"],
    flops: |a| 6 * a.area(),
    bytes: |a| 4 * (3 * a.area() + 2 * a.count(0)),
    // A row of upstream gradients is that of a table, or the same for all steps.
    split: |a| Some(vec![Whole, Follow::matrix(a), Follow::matrix(a), Table, Rows(1), Follow::matrix(a)]),
    ..Definition::ROW_WISE
};

kernels! {
    half_squared_error: "half_squared_error.wgsl", cpu::half_squared_error::half_squared_error, cpu::half_squared_error::bound,
    "loss: gamma(depth + 4) * loss; dpred: 3u |dpred|; depth = LANES > 1 ? ceil(cols / 64) + 6 : cols" { ..LOSS }
    mse: "mse.wgsl", cpu::mse::mse, cpu::mse::bound,
    "loss: (gamma(depth + 3) + DIV) * loss; dpred: (DIV + 3u) |dpred|" { ..LOSS }
    mae: "mae.wgsl", cpu::mae::mae, cpu::mae::bound,
    "loss: (gamma(depth + 1) + DIV) * loss; dpred: (DIV + 2u) |dpred|" { ..LOSS }
    huber: "huber.wgsl", cpu::huber::huber, cpu::huber::bound,
    "loss: (gamma(depth + 7) + DIV) * loss; dpred: (DIV + 4u) |dpred|" { params: &["rows", "cols", "upstream_stride", "delta"], ..LOSS }
    binary_cross_entropy: "binary_cross_entropy.wgsl", cpu::binary_cross_entropy::binary_cross_entropy, cpu::binary_cross_entropy::bound,
    "loss: (gamma(depth + 5) + LOG + 2 DIV) * loss; dpred: (2 DIV + 7u) |dpred|" { ..LOSS }
    bce_with_logits: "bce_with_logits.wgsl", cpu::bce_with_logits::bce_with_logits, cpu::bce_with_logits::bound,
    "loss: (gamma(depth + 5) + EXP + LOG + DIV) * loss; dpred: (2 EXP + 2 DIV + 7u) * upstream / cols * \
            ((1 - t) s(z) + t s(-z))" { ..LOSS }
    cross_entropy: "cross_entropy.wgsl", cpu::cross_entropy::cross_entropy, cpu::cross_entropy::bound,
    "r_j = EXP + u (max - z_j); loss: (gamma(depth + 2) + mean r + LOG + u) * loss + u (max - z_t); \
            dpred: (gamma(depth + 2) + r_j + mean r + DIV + 3u) |dpred|" {
        bindings: &[read_u32("step"), read("pred"), read_u32("expected"), read("upstream"), write("loss"), write("dpred")],
        split: |a| Some(vec![Whole, Follow::matrix(a), Rows(1), Table, Rows(1), Follow::matrix(a)]),
        ..LOSS }
    hinge: "hinge.wgsl", cpu::hinge::hinge, cpu::hinge::bound,
    "loss: (gamma(depth + 1) + DIV) * loss + u * mean|t y| (0 for t = 1, -1); dpred: (DIV + 2u) |dpred|" { ..LOSS }
}
