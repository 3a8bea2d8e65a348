//! Optimizer steps.

use super::{Mutation, m};
use wgrad::kernels::Kernel::*;

const ADAM: &str = "lib/adam.wgsl";
const ADAM_BINDINGS: &str = "lib/adam_bindings.wgsl";
const SGD: &str = "lib/sgd.wgsl";
const MOMENTUM: &str = "sgd_momentum_step.wgsl";

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
    m(sgd_momentum_step, SGD, "momentum * velocity + d", "velocity + d"),
    m(sgd_momentum_step, SGD, "momentum * velocity + d", "momentum * (velocity + d)"),
    m(sgd_momentum_step, MOMENTUM, "velocity[i] = next.velocity;", ""),
    m(sgd_momentum_step, MOMENTUM, "params.nesterov != 0u", "params.nesterov == 0u"),
    m(sgd_momentum_step, SGD, "d + momentum * v, nesterov", "d + v, nesterov"),
    m(sgd_momentum_step, SGD, "d + momentum * v, nesterov", "d + momentum * velocity, nesterov"),
    m(adam_step, ADAM, "rates.beta1 * old.m", "rates.beta2 * old.m"),
    m(adam_step, ADAM, "rates.one_minus_beta2 * (g * g)", "rates.one_minus_beta2 * g"),
    m(adam_step, ADAM, "+ rates.one_minus_beta1 * g;", "+ g;"),
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
    m(adam_step, "adam_step.wgsl", "hyper[row + 1u], ", "hyper[row], "),
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
    m(adamw_step, "adamw_step.wgsl", "hyper[row], ", "hyper[row + 1u], "),
];
