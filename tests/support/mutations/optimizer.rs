//! Optimizer steps.

use super::{Mutation, m};
use wgrad::kernels::Kernel::*;

const ADAM: &str = "lib/adam.wgsl";
const ADAM_BINDINGS: &str = "lib/adam_bindings.wgsl";
const SGD: &str = "lib/sgd.wgsl";
const MOMENTUM: &str = "sgd_momentum_step.wgsl";
const NADAM: &str = "nadam_step.wgsl";
const RMSPROP: &str = "rmsprop_step.wgsl";
const RMSPROP_MOMENTUM: &str = "rmsprop_momentum_step.wgsl";
const CENTERED: &str = "rmsprop_centered_step.wgsl";
const ADAGRAD: &str = "adagrad_step.wgsl";
const LION: &str = "lion_step.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m(sgd_step, SGD, "return p - lr * d", "return p + lr * d"),
    m(
        sgd_step,
        SGD,
        "lr: f32, weight_decay: f32) -> Word {\n    let d = g + weight_decay * p",
        "lr: f32, weight_decay: f32) -> Word {\n    let d = g",
    ),
    m(sgd_step, "sgd_step.wgsl", "hyper[step[0] * params.hyper_stride]", "hyper[step[0]]"),
    m(sgd_step, "sgd_step.wgsl", "4u * i < params.n", "4u * i + 1u < params.n"),
    m(sgd_step, "lib/strip.wgsl", "WORDS: u32 = 1u", "WORDS: u32 = 0u"),
    m(sgd_step, "sgd_step.wgsl", "WORDS * element_index", "element_index"),
    m(adam_step, "adam_step.wgsl", "i < first + WORDS", "i <= first + WORDS"),
    m(adamw_step, "adamw_step.wgsl", "i < first + WORDS", "i + 1u < first + WORDS"),
    m(sgd_momentum_step, SGD, "momentum * velocity + d", "velocity + d"),
    m(sgd_momentum_step, SGD, "momentum * velocity + d", "momentum * (velocity + d)"),
    m(sgd_momentum_step, MOMENTUM, "velocity[i] = next.velocity;", ""),
    m(sgd_momentum_step, MOMENTUM, "hyper[row + 4u]", "hyper[4u]"),
    m(sgd_momentum_step, MOMENTUM, "params.nesterov != 0u", "params.nesterov == 0u"),
    m(sgd_momentum_step, SGD, "d + momentum * v, nesterov", "d + v, nesterov"),
    m(sgd_momentum_step, SGD, "d + momentum * v, nesterov", "d + momentum * velocity, nesterov"),
    m(adam_step, ADAM, "rates.beta1 * old.m", "rates.beta2 * old.m"),
    m(adam_step, ADAM, "rates.one_minus_beta2 * (g * g)", "rates.one_minus_beta2 * g"),
    m(adam_step, ADAM, "+ rates.one_minus_beta1 * g;", "+ g;"),
    m(adam_step, ADAM_BINDINGS, "hyper[row + 4u]", "hyper[4u]"),
    m(adam_step, ADAM_BINDINGS, "hyper[row + 5u]", "hyper[row + 4u]"),
    m(adam_step, ADAM_BINDINGS, "m[i] = element.m;", ""),
    m(adam_step, ADAM_BINDINGS, "v[i] = element.v;", ""),
    m(
        adam_step,
        ADAM_BINDINGS,
        "params.beta2,\n        params.one_minus_beta2",
        "params.one_minus_beta2,\n        params.beta2",
    ),
    m(adam_step, ADAM, " + rates.eps", ""),
    m(adam_step, "adam_step.wgsl", "hyper[row + 2u]", "hyper[row + 1u]"),
    m(adam_step, "adam_step.wgsl", "hyper[row + 1u];", "hyper[row];"),
    m(adam_step, ADAM, "select(sqrt(second), Word(), second == Word())", "second"),
    m(adam_step, ADAM, "select(sqrt(second), Word(), second == Word())", "sqrt(second)").open(
        &["llvmpipe", "SwiftShader"],
        "the specification lets sqrt(0) be 1 / inverseSqrt(0); these adapters give 0",
    ),
    m(adam_step, ADAM, "first / (root", "second / (root"),
    m(adam_step, ADAM, "g + rates.weight_decay * old.p", "g - rates.weight_decay * old.p"),
    m(adam_step, "adam_step.wgsl", "step[0] * params.hyper_stride", "step[0]"),
    m(adamw_step, ADAM, "1.0 - lr * rates.weight_decay", "1.0 - rates.weight_decay"),
    m(adamw_step, ADAM, "adam_moments(shrunk, g, ", "adam_moments(old, g, "),
    m(adamw_step, ADAM, "adam_moments(shrunk, g, ", "adam_moments(shrunk, shrunk.p, "),
    m(adamw_step, "adamw_step.wgsl", "hyper[row];", "hyper[row + 1u];"),
    m(
        nadam_step,
        NADAM,
        "hyper[row + 1u] * g + hyper[row + 3u] * first",
        "hyper[row + 3u] * g + hyper[row + 1u] * first",
    ),
    m(nadam_step, NADAM, "hyper[row + 3u] * first", "hyper[row + 3u] * m[i]"),
    m(nadam_step, NADAM, " * hyper[row + 2u]", ""),
    m(nadam_step, NADAM, "m[i] = first;", ""),
    m(nadam_step, NADAM, "hyper[row + 4u] * m[i]", "hyper[4u] * m[i]"),
    m(nadam_step, NADAM, "v[i] = second;", ""),
    m(nadam_step, NADAM, "grad[i] + params.weight_decay * param[i]", "grad[i]"),
    m(rmsprop_step, "lib/root.wgsl", "select(sqrt(x), Word(), x == Word())", "x"),
    m(rmsprop_step, RMSPROP, "params.one_minus_alpha * (g * g)", "params.one_minus_alpha * g"),
    m(rmsprop_step, RMSPROP, "params.alpha * square[i]", "square[i]"),
    m(rmsprop_step, RMSPROP, "square[i] = s;", ""),
    m(rmsprop_step, RMSPROP, " + params.eps", ""),
    m(rmsprop_step, RMSPROP, "step[0] * params.hyper_stride", "step[0]"),
    m(rmsprop_step, RMSPROP, "grad[i] + params.weight_decay * param[i]", "grad[i]"),
    m(rmsprop_momentum_step, RMSPROP_MOMENTUM, "momentum * velocity[i] + g /", "velocity[i] + g /"),
    m(rmsprop_momentum_step, RMSPROP_MOMENTUM, "velocity[i] = v;", ""),
    m(rmsprop_momentum_step, RMSPROP_MOMENTUM, "hyper[row + 4u]", "hyper[row]"),
    m(rmsprop_momentum_step, RMSPROP_MOMENTUM, "param[i] -= lr * v", "param[i] -= lr * (v - g)"),
    m(rmsprop_momentum_step, RMSPROP_MOMENTUM, "square[i] = s;", ""),
    m(rmsprop_centered_step, CENTERED, "s - m * m", "s - m"),
    m(rmsprop_centered_step, CENTERED, "s - m * m", "s + m * m"),
    m(rmsprop_centered_step, CENTERED, "select(difference, Word(), difference < Word())", "difference"),
    m(rmsprop_centered_step, CENTERED, "params.one_minus_alpha * g;", "params.one_minus_alpha * g * g;"),
    m(rmsprop_centered_step, CENTERED, "mean[i] = m;", ""),
    m(rmsprop_centered_step, CENTERED, "hyper[row + 4u]", "hyper[4u]"),
    m(adagrad_step, ADAGRAD, "sum[i] + g * g", "g * g"),
    m(adagrad_step, ADAGRAD, "sum[i] = s;", ""),
    m(adagrad_step, ADAGRAD, "params.hyper_stride + 1u", "params.hyper_stride"),
    m(adagrad_step, ADAGRAD, "grad[i] + params.weight_decay * param[i]", "grad[i]"),
    m(lion_step, LION, "sign_of(direction)", "direction"),
    m(lion_step, LION, "sign_of(direction)", "sign(direction)")
        .open(&[], "the sign of what is no number is not specified"),
    m(lion_step, LION, "params.beta2 * m[i] + params.one_minus_beta2 * g", "direction"),
    m(lion_step, LION, "hyper[row + 4u] * m[i]", "m[i]"),
    m(lion_step, LION, "1.0 - lr * params.weight_decay", "1.0 - params.weight_decay"),
    m(lion_step, LION, "hyper[row + 5u] * g", "hyper[row + 5u] * m[i]"),
];
