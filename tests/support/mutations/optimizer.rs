//! Optimizer steps.

use super::{Mutation, m};
use wgrad::kernels::Kernel::*;

const ADAM: &str = "lib/adam.wgsl";
const MOMENTUM: &str = "sgd_momentum_step.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m(sgd_step, "sgd_step.wgsl", "param[i] = p - lr * d", "param[i] = p + lr * d"),
    m(sgd_step, "sgd_step.wgsl", "grad[i] + params.weight_decay * p", "grad[i]"),
    m(sgd_step, "sgd_step.wgsl", "hyper[step[0] * params.hyper_stride]", "hyper[step[0]]"),
    m(sgd_step, "sgd_step.wgsl", "i < params.n", "i + 1u < params.n"),
    m(sgd_momentum_step, MOMENTUM, "params.momentum * velocity[i] + d", "velocity[i] + d"),
    m(sgd_momentum_step, MOMENTUM, "params.momentum * velocity[i] + d", "params.momentum * (velocity[i] + d)"),
    m(sgd_momentum_step, MOMENTUM, "velocity[i] = v;", ""),
    m(sgd_momentum_step, MOMENTUM, "params.nesterov != 0u", "params.nesterov == 0u"),
    m(sgd_momentum_step, MOMENTUM, "d + params.momentum * v, params", "d + v, params"),
    m(sgd_momentum_step, MOMENTUM, "d + params.momentum * v, params", "d + params.momentum * velocity[i], params")
        .survives("equivalent: the velocity was stored just before"),
    m(adam_step, ADAM, "params.beta1 * m[i]", "params.beta2 * m[i]"),
    m(adam_step, ADAM, "params.one_minus_beta2 * (g * g)", "params.one_minus_beta2 * g"),
    m(adam_step, ADAM, "+ params.one_minus_beta1 * g;", "+ g;"),
    m(adam_step, ADAM, "m[i] = first;", ""),
    m(adam_step, ADAM, "v[i] = second;", ""),
    m(adam_step, ADAM, " + params.eps", ""),
    m(adam_step, ADAM, "hyper[row + 2u]", "hyper[row + 1u]"),
    m(adam_step, ADAM, "p - hyper[row + 1u]", "p - hyper[row]"),
    m(adam_step, ADAM, "select(sqrt(second), 0.0, second == 0.0)", "second"),
    m(adam_step, ADAM, "select(sqrt(second), 0.0, second == 0.0)", "sqrt(second)").open(
        &["llvmpipe", "SwiftShader"],
        "the specification lets sqrt(0) be 1 / inverseSqrt(0); these adapters give 0",
    ),
    m(adam_step, ADAM, "first / (root", "second / (root"),
    m(adam_step, "adam_step.wgsl", "grad[i] + params.weight_decay * p", "grad[i] - params.weight_decay * p"),
    m(adam_step, "adam_step.wgsl", "step[0] * params.hyper_stride", "step[0]"),
    m(adamw_step, "adamw_step.wgsl", "1.0 - hyper[row] * params.weight_decay", "1.0 - params.weight_decay"),
    m(adamw_step, "adamw_step.wgsl", "adam_update(i, shrunk, grad[i], row)", "adam_update(i, param[i], grad[i], row)"),
    m(adamw_step, "adamw_step.wgsl", "adam_update(i, shrunk, grad[i], row)", "adam_update(i, shrunk, shrunk, row)"),
];
