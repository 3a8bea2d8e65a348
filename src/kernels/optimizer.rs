//! Optimizer steps over a whole arena of parameters.

use super::conformance::{Case, Scale, Shape, Values};
use super::cpu;
use super::definition::{Binding, Definition, Param, kernels, lines, read, step, strips, update};
use super::philox::Philox;

/// Columns of the table `hyper`.
pub const HYPER_COLUMNS: usize = 6;

const fn hyper(row: fn(usize) -> Vec<f64>) -> Binding {
    read("hyper").whole(|a, steps| steps * a.size(1)).of(Values::Table(row))
}

const fn adam_bindings(row: fn(usize) -> Vec<f64>) -> [Binding; 6] {
    [step(), hyper(row), read("grad"), update("param"), update("m"), update("v").of(Values::Square)]
}

const ADAM_PARAMS: &[&str] = &["n", "hyper_stride", "beta2", "one_minus_beta2", "eps", "weight_decay"];
const RMSPROP_PARAMS: &[&str] = &["n", "hyper_stride", "alpha", "one_minus_alpha", "eps", "weight_decay"];

/// A word of four elements an invocation.
const WORD: Definition = Definition { groups: |a| lines(a.count(0).div_ceil(4)), ..Definition::NEW };
/// Several words an invocation.
const STRIP: Definition = Definition { groups: strips, strips: true, ..Definition::NEW };

kernels! {
    sgd_step: "sgd_step.wgsl", cpu::sgd_step::sgd_step, cpu::sgd_step::bound,
    "u |p'| + |lr| (3u |d| + 2u |weight_decay p|)" {
        bindings: &[step(), hyper(plain), read("grad"), update("param")], params: &["n", "hyper_stride", "weight_decay"],
        flops: |a| 4 * a.count(0), bytes: |a| 12 * a.count(0),
        shapes: |_| updates(true, |d| vec![vec![Param::F(d)]]),
        ..STRIP
    }
    sgd_momentum_step: "sgd_momentum_step.wgsl", cpu::sgd_momentum_step::sgd_momentum_step, cpu::sgd_momentum_step::bound,
    "d: u |d| + 2u |weight_decay p|; velocity: that + 2u |momentum v| + u |v'|; param: u |p'| + 2u |lr \
            v'| + |lr| times that" {
        bindings: &[step(), hyper(momentum), read("grad"), update("param"), update("velocity")], params: &["n", "hyper_stride", "nesterov", "weight_decay"],
        flops: |a| 7 * a.count(0), bytes: |a| 20 * a.count(0),
        shapes: |_| updates(true, |d| [0, 1].map(|nesterov| vec![Param::U(nesterov), Param::F(d)]).to_vec()),
        ..STRIP
    }
    adam_step: "adam_step.wgsl", cpu::adam_step::adam_step, cpu::adam_step::bound,
    "m: u |m'| + 2u (|beta1 m| + |(1 - beta1) g|); v: u v' + 2u beta2 v + 3u (1 - beta2) g^2; param: u \
            |p'| + (SQRT + DIV + 6u) |step|, and m and v carried through the quotient" {
        bindings: &adam_bindings(adam), params: ADAM_PARAMS,
        flops: |a| 15 * a.count(0), bytes: |a| 28 * a.count(0),
        shapes: |_| updates(true, |d| vec![[0.999, 1.0 - 0.999, 1e-8, d].map(Param::F).to_vec()]),
        ..STRIP
    }
    adamw_step: "adamw_step.wgsl", cpu::adamw_step::adamw_step, cpu::adamw_step::bound,
    "as adam_step; param: and 2u |p| + 3u |lr weight_decay p| for the shrinkage" {
        bindings: &adam_bindings(adam), params: ADAM_PARAMS,
        flops: |a| 15 * a.count(0), bytes: |a| 28 * a.count(0),
        shapes: |_| updates(true, |d| vec![[0.999, 1.0 - 0.999, 1e-8, d].map(Param::F).to_vec()]),
        ..STRIP
    }
    nadam_step: "nadam_step.wgsl", cpu::nadam_step::nadam_step, cpu::nadam_step::bound,
    "m, v: as adam_step; param: u |p'| + (SQRT + DIV + 8u) |step|, and g, m and v carried through the quotient" {
        bindings: &adam_bindings(nadam), params: ADAM_PARAMS,
        flops: |a| 17 * a.count(0), bytes: |a| 28 * a.count(0),
        shapes: |_| updates(false, |d| vec![[0.999, 1.0 - 0.999, 1e-8, d].map(Param::F).to_vec()]),
        ..WORD
    }
    rmsprop_step: "rmsprop_step.wgsl", cpu::rmsprop_step::rmsprop_step, cpu::rmsprop_step::bound,
    "square: u s' + 2u alpha s + 3u (1 - alpha) g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and square \
            carried through the quotient" {
        bindings: &[step(), hyper(plain), read("grad"), update("param"), update("square").of(Values::Square)], params: RMSPROP_PARAMS,
        flops: |a| 11 * a.count(0), bytes: |a| 20 * a.count(0),
        shapes: |_| updates(false, |d| vec![[0.99, 1.0 - 0.99, 1e-8, d].map(Param::F).to_vec()]),
        ..WORD
    }
    rmsprop_momentum_step: "rmsprop_momentum_step.wgsl", cpu::rmsprop_momentum_step::rmsprop_momentum_step, cpu::rmsprop_momentum_step::bound,
    "square: as rmsprop_step; velocity: u |v'| + 2u |momentum v| + (SQRT + DIV + 2u) |quotient|, and g and square \
            carried through it; param: u |p'| + 2u |lr v'| + |lr| times that" {
        bindings: &[step(), hyper(momentum), read("grad"), update("param"), update("square").of(Values::Square), update("velocity")], params: RMSPROP_PARAMS,
        flops: |a| 13 * a.count(0), bytes: |a| 28 * a.count(0),
        shapes: |_| updates(false, |d| vec![[0.99, 1.0 - 0.99, 1e-8, d].map(Param::F).to_vec()]),
        ..WORD
    }
    rmsprop_centered_step: "rmsprop_centered_step.wgsl", cpu::rmsprop_centered_step::rmsprop_centered_step, cpu::rmsprop_centered_step::bound,
    "square: as rmsprop_step; mean: u |m'| + 2u (|alpha m| + |(1 - alpha) g|); velocity and param: as \
            rmsprop_momentum_step, with the errors of square and of mean^2 in the quotient" {
        bindings: &[step(), hyper(momentum), read("grad"), update("param"), update("square").of(Values::Square), update("velocity"), update("mean").of(Values::Own(means))], params: RMSPROP_PARAMS,
        flops: |a| 18 * a.count(0), bytes: |a| 36 * a.count(0),
        shapes: |_| updates(false, |d| vec![[0.99, 1.0 - 0.99, 1e-8, d].map(Param::F).to_vec()]),
        ..WORD
    }
    adagrad_step: "adagrad_step.wgsl", cpu::adagrad_step::adagrad_step, cpu::adagrad_step::bound,
    "sum: u s' + 2u g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and sum carried through the quotient" {
        bindings: &[step(), hyper(adagrad), read("grad"), update("param"), update("sum").of(Values::Square)], params: &["n", "hyper_stride", "eps", "weight_decay"],
        flops: |a| 9 * a.count(0), bytes: |a| 20 * a.count(0),
        shapes: |_| updates(false, |d| vec![[1e-10, d].map(Param::F).to_vec()]),
        ..WORD
    }
    lion_step: "lion_step.wgsl", cpu::lion_step::lion_step, cpu::lion_step::bound,
    "m: u |m'| + 2u (|beta2 m| + |(1 - beta2) g|); param: u |p'| + 2u |p| + 3u |lr weight_decay p| + u |lr|; 2 |lr| \
            more where the sign is within its error" {
        bindings: &[step(), hyper(lion), read("grad"), update("param"), update("m")], params: &["n", "hyper_stride", "beta2", "one_minus_beta2", "weight_decay"],
        flops: |a| 10 * a.count(0), bytes: |a| 20 * a.count(0),
        shapes: |_| updates(false, |d| vec![[0.99, 1.0 - 0.99, d].map(Param::F).to_vec()]),
        ..WORD
    }
}

/// Numbers of the table `hyper` as they stand after `10 t` steps of a cycled momentum.
struct Rates {
    lr: f64,
    momentum: f64,
    step_size: f64,
    inv_sqrt_bias2: f64,
}

impl Rates {
    fn after(t: usize) -> Rates {
        let steps = (10 * t + 1) as f64;
        let lr = 0.05 / (t + 1) as f64;
        let momentum = 0.95 - 0.05 * t as f64;
        let inv_sqrt_bias2 = 1.0 / (1.0 - 0.999_f64.powf(steps)).sqrt();
        Rates { lr, momentum, step_size: lr / (1.0 - momentum.powf(steps)), inv_sqrt_bias2 }
    }
}

/// What is not used is poisoned.
const X: f64 = f64::NAN;

fn plain(t: usize) -> Vec<f64> {
    vec![Rates::after(t).lr, X, X, X, X, X]
}

fn momentum(t: usize) -> Vec<f64> {
    let r = Rates::after(t);
    vec![r.lr, X, X, X, r.momentum, X]
}

fn adam(t: usize) -> Vec<f64> {
    let r = Rates::after(t);
    vec![r.lr, r.step_size, r.inv_sqrt_bias2, X, r.momentum, 1.0 - r.momentum]
}

fn nadam(t: usize) -> Vec<f64> {
    let r = Rates::after(t);
    vec![X, 0.1 * r.lr, r.inv_sqrt_bias2, r.lr, r.momentum, 1.0 - r.momentum]
}

fn adagrad(t: usize) -> Vec<f64> {
    vec![X, Rates::after(t).lr, X, X, X, X]
}

fn lion(t: usize) -> Vec<f64> {
    let r = Rates::after(t);
    vec![r.lr, X, X, X, r.momentum, 1.0 - r.momentum]
}

/// Means of numbers whose squares have the means in `square`, the binding before the last two. The square of a mean is at most the
/// mean of the squares, but for rounding: some are a little larger, so that the variance counts as 0.
fn means(case: &Case, len: usize, _scale: Scale, rng: &mut Philox) -> Vec<f64> {
    let square = &case.values[4];
    (0..len).map(|i| 2.2 * (rng.next_f64() - 0.5) * square[i].sqrt()).collect()
}

/// With and without weight decay, which `tail` puts among the parameters, over whole and broken workgroups.
fn updates(strips: bool, tail: impl Fn(f64) -> Vec<Vec<Param>>) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for setting in [0.0, 0.01].into_iter().flat_map(tail) {
        let of = |n: usize| Shape::of(&[n, HYPER_COLUMNS]).and(&setting);
        shapes.extend([1, 63, 64, 97, 129, 1000].map(of));
        shapes.push(of(97 * 64 + 5).folded(7));
        if strips {
            // Whole and broken strips, a strip that begins past the end, groups in rows of 7.
            let words = |n: usize, words: f64| of(n).with(&[("WORDS", words)]);
            shapes.extend([(1, 8.0), (97, 8.0), (1000, 3.0), (2048, 8.0), (2053, 8.0)].map(|(n, w)| words(n, w)));
            shapes.push(words(97 * 64 + 5, 3.0).folded(7));
        }
    }
    shapes
}
