//! Optimizer steps over a whole arena of parameters.

use super::cpu;
use super::definition::{Binding, Definition, Follow, kernels, lines, read, read_u32, strips, update};

const ADAM: &[Binding] = &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("m"), update("v")];
const ADAM_PARAMS: &[&str] = &["n", "hyper_stride", "beta2", "one_minus_beta2", "eps", "weight_decay"];
const RMSPROP_PARAMS: &[&str] = &["n", "hyper_stride", "alpha", "one_minus_alpha", "eps", "weight_decay"];

/// A word of four elements an invocation. The step counter and the table of constants serve every block of the parameters.
const WORD: Definition = Definition {
    groups: |a| lines(a.count(0).div_ceil(4)),
    split: |_| Some([[Follow::Whole; 2].as_slice(), &[Follow::Rows(1); 5]].concat()),
    ..Definition::NEW
};
/// Several words an invocation.
const STRIP: Definition = Definition { groups: strips, strips: true, ..WORD };

kernels! {
    sgd_step: "sgd_step.wgsl", cpu::sgd_step::sgd_step, cpu::sgd_step::bound,
    "u |p'| + |lr| (3u |d| + 2u |weight_decay p|)" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param")], params: &["n", "hyper_stride", "weight_decay"],
        flops: |a| 4 * a.count(0), bytes: |a| 12 * a.count(0),
        ..STRIP
    }
    sgd_momentum_step: "sgd_momentum_step.wgsl", cpu::sgd_momentum_step::sgd_momentum_step, cpu::sgd_momentum_step::bound,
    "d: u |d| + 2u |weight_decay p|; velocity: that + 2u |momentum v| + u |v'|; param: u |p'| + 2u |lr \
            v'| + |lr| times that" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("velocity")], params: &["n", "hyper_stride", "nesterov", "weight_decay"],
        flops: |a| 7 * a.count(0), bytes: |a| 20 * a.count(0),
        ..STRIP
    }
    adam_step: "adam_step.wgsl", cpu::adam_step::adam_step, cpu::adam_step::bound,
    "m: u |m'| + 2u (|beta1 m| + |(1 - beta1) g|); v: u v' + 2u beta2 v + 3u (1 - beta2) g^2; param: u \
            |p'| + (SQRT + DIV + 6u) |step|, and m and v carried through the quotient" {
        bindings: ADAM, params: ADAM_PARAMS,
        flops: |a| 15 * a.count(0), bytes: |a| 28 * a.count(0),
        ..STRIP
    }
    adamw_step: "adamw_step.wgsl", cpu::adamw_step::adamw_step, cpu::adamw_step::bound,
    "as adam_step; param: and 2u |p| + 3u |lr weight_decay p| for the shrinkage" {
        bindings: ADAM, params: ADAM_PARAMS,
        flops: |a| 15 * a.count(0), bytes: |a| 28 * a.count(0),
        ..STRIP
    }
    nadam_step: "nadam_step.wgsl", cpu::nadam_step::nadam_step, cpu::nadam_step::bound,
    "m, v: as adam_step; param: u |p'| + (SQRT + DIV + 8u) |step|, and g, m and v carried through the quotient" {
        bindings: ADAM, params: ADAM_PARAMS,
        flops: |a| 17 * a.count(0), bytes: |a| 28 * a.count(0),
        ..WORD
    }
    rmsprop_step: "rmsprop_step.wgsl", cpu::rmsprop_step::rmsprop_step, cpu::rmsprop_step::bound,
    "square: u s' + 2u alpha s + 3u (1 - alpha) g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and square \
            carried through the quotient" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square")], params: RMSPROP_PARAMS,
        flops: |a| 11 * a.count(0), bytes: |a| 20 * a.count(0),
        ..WORD
    }
    rmsprop_momentum_step: "rmsprop_momentum_step.wgsl", cpu::rmsprop_momentum_step::rmsprop_momentum_step, cpu::rmsprop_momentum_step::bound,
    "square: as rmsprop_step; velocity: u |v'| + 2u |momentum v| + (SQRT + DIV + 2u) |quotient|, and g and square \
            carried through it; param: u |p'| + 2u |lr v'| + |lr| times that" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square"), update("velocity")], params: RMSPROP_PARAMS,
        flops: |a| 13 * a.count(0), bytes: |a| 28 * a.count(0),
        ..WORD
    }
    rmsprop_centered_step: "rmsprop_centered_step.wgsl", cpu::rmsprop_centered_step::rmsprop_centered_step, cpu::rmsprop_centered_step::bound,
    "square: as rmsprop_step; mean: u |m'| + 2u (|alpha m| + |(1 - alpha) g|); velocity and param: as \
            rmsprop_momentum_step, with the errors of square and of mean^2 in the quotient" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("square"), update("velocity"), update("mean")], params: RMSPROP_PARAMS,
        flops: |a| 18 * a.count(0), bytes: |a| 36 * a.count(0),
        ..WORD
    }
    adagrad_step: "adagrad_step.wgsl", cpu::adagrad_step::adagrad_step, cpu::adagrad_step::bound,
    "sum: u s' + 2u g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and sum carried through the quotient" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("sum")], params: &["n", "hyper_stride", "eps", "weight_decay"],
        flops: |a| 9 * a.count(0), bytes: |a| 20 * a.count(0),
        ..WORD
    }
    lion_step: "lion_step.wgsl", cpu::lion_step::lion_step, cpu::lion_step::bound,
    "m: u |m'| + 2u (|beta2 m| + |(1 - beta2) g|); param: u |p'| + 2u |p| + 3u |lr weight_decay p| + u |lr|; 2 |lr| \
            more where the sign is within its error" {
        bindings: &[read_u32("step"), read("hyper"), read("grad"), update("param"), update("m")], params: &["n", "hyper_stride", "beta2", "one_minus_beta2", "weight_decay"],
        flops: |a| 10 * a.count(0), bytes: |a| 20 * a.count(0),
        ..WORD
    }
}
