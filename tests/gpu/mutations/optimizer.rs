//! Optimizer steps.

use super::{Mutation, m};

const STEP: &str = "optimizer_step.wgsl";
const HYPER: &str = "lib/optimizer/hyper.wgsl";
const WORD: &str = "lib/word4.wgsl";
const ARITHMETIC: &str = "lib/arithmetic.wgsl";
const ADAM: &str = "lib/adam.wgsl";
const ADAM_BINDINGS: &str = "lib/optimizer/adam_bindings.wgsl";
const SGD: &str = "lib/sgd.wgsl";
const PLAIN: &str = "lib/optimizer/sgd_step.wgsl";
const MOMENTUM: &str = "lib/optimizer/sgd_momentum_step.wgsl";
const ADAM_STEP: &str = "lib/optimizer/adam_step.wgsl";
const ADAMW_STEP: &str = "lib/optimizer/adamw_step.wgsl";
const NADAM: &str = "lib/optimizer/nadam_step.wgsl";
const SQUARES: &str = "lib/optimizer/rmsprop_bindings.wgsl";
const RMSPROP: &str = "lib/optimizer/rmsprop_step.wgsl";
const RMSPROP_MOMENTUM: &str = "lib/optimizer/rmsprop_momentum_step.wgsl";
const CENTERED: &str = "lib/optimizer/rmsprop_centered_step.wgsl";
const ADAGRAD: &str = "lib/optimizer/adagrad_step.wgsl";
const LION: &str = "lib/optimizer/lion_step.wgsl";
const ADAFACTOR: &str = "adafactor.wgsl";

const ROOT: &str = "select(sqrt(x), vec4<f32>(), x == vec4<f32>())";

pub const MUTATIONS: &[Mutation] = &[
    m("adafactor_moment", ADAFACTOR, "i / params.inner * params.count", "i * params.count"),
    m("adafactor_moment", ADAFACTOR, " + i % params.inner;", ";"),
    m("adafactor_moment", ADAFACTOR, "sum = mul_add(g, g, sum)", "sum += g"),
    m("adafactor_moment", ADAFACTOR, "quotient(sum, f32(params.count))", "sum"),
    m("adafactor_moment", ADAFACTOR, "h.momentum * moment[i]", "moment[i]"),
    m("adafactor_direction", ADAFACTOR, "f32(params.all_rows)", "f32(params.rows)"),
    m("adafactor_direction", ADAFACTOR, "mean < params.eps1", "mean > params.eps1"),
    m("adafactor_direction", ADAFACTOR, "column[i % params.cols]", "column[i / params.cols]"),
    m("adafactor_direction", ADAFACTOR, "if (FACTORED) {", "if (true) {"),
    m("adafactor_direction", ADAFACTOR, "v < params.square_eps1", "v > params.square_eps1"),
    m("adafactor_direction", ADAFACTOR, "inverse_root(select(v,", "root(select(v,"),
    m("adafactor_step", ADAFACTOR, "rms < params.eps2", "rms > params.eps2"),
    m("adafactor_step", ADAFACTOR, "* h.step_size", "* h.lr"),
    m("adafactor_step", ADAFACTOR, "beyond < 1.0", "beyond > 1.0"),
    m("adafactor_step", ADAFACTOR, "quotient(squares[0], count)", "squares[0]"),
    m("adafactor_step", ADAFACTOR, "params.weight_decay, 1.0)", "0.0, 1.0)"),
    m("adafactor_step", ADAFACTOR, "mul_add(-factor", "mul_add(factor"),
    m("sgd_step", SGD, "return mul_add_word(Word(-lr), d, p)", "return mul_add_word(Word(lr), d, p)"),
    m(
        "sgd_step",
        SGD,
        "lr: f32, weight_decay: f32) -> Word {\n    let d = mul_add_word(Word(weight_decay), p, g)",
        "lr: f32, weight_decay: f32) -> Word {\n    let d = g",
    ),
    m("sgd_step", PLAIN, "h.lr, params.weight_decay", "params.weight_decay, h.lr"),
    m("sgd_step", STEP, "step[0] * params.hyper_stride", "step[0]"),
    m("sgd_step", STEP, "4u * i < params.n", "4u * i + 1u < params.n"),
    m("sgd_step", "lib/strip.wgsl", "WORDS: u32 = 1u", "WORDS: u32 = 0u"),
    m("sgd_step", STEP, "WORDS * element_index", "element_index"),
    m("adam_step", STEP, "i < first + WORDS", "i <= first + WORDS"),
    m("adamw_step", STEP, "i < first + WORDS", "i + 1u < first + WORDS"),
    m("sgd_step", WORD, "mul_add4(a, b, c)", "mul_add4(a, a, c)"),
    m("adagrad_step", WORD, "quotient4(a, b)", "quotient4(b, a)"),
    m(
        "adagrad_step",
        ARITHMETIC,
        "a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {\n    return a / b",
        "a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {\n    return a * b",
    ),
    m("sgd_momentum_step", SGD, "mul_add_word(Word(h.momentum), velocity, d)", "(velocity + d)"),
    m("sgd_momentum_step", SGD, "mul_add_word(Word(h.momentum), velocity, d)", "(h.momentum * (velocity + d))"),
    m("sgd_momentum_step", MOMENTUM, "velocity[i] = next.velocity;", ""),
    m("sgd_momentum_step", HYPER, "hyper[row + 4u]", "hyper[4u]"),
    m("sgd_momentum_step", MOMENTUM, "params.nesterov != 0u", "params.nesterov == 0u"),
    m("sgd_momentum_step", SGD, "mul_add_word(Word(h.momentum), v, d), nesterov", "d + v, nesterov"),
    m("sgd_momentum_step", SGD, "(Word(h.momentum), v, d), nesterov", "(Word(h.momentum), velocity, d), nesterov"),
    m("adam_step", ADAM, "Word(h.momentum), old.m", "Word(c.beta2), old.m"),
    m("adam_step", ADAM, "c.one_minus_beta2 * (g * g)", "c.one_minus_beta2 * g"),
    m("adam_step", ADAM, "h.one_minus_momentum * g", "g"),
    m("adam_step", HYPER, "hyper[row + 4u]", "hyper[4u]"),
    m("adam_step", HYPER, "hyper[row + 5u]", "hyper[row + 4u]"),
    m("adam_step", ADAM_BINDINGS, "m[i] = element.m;", ""),
    m("adam_step", ADAM_BINDINGS, "v[i] = element.v;", ""),
    m("adam_step", ADAM_BINDINGS, "params.beta2, params.one_minus_beta2", "params.one_minus_beta2, params.beta2"),
    m("adam_step", ADAM_STEP, "adam_update(load(i), grad[i]", "adam_update(load(i), -grad[i]"),
    m("adam_step", ADAM, "Word(c.eps)", "Word()"),
    m("adam_step", HYPER, "hyper[row + 2u]", "hyper[row + 1u]"),
    m("adam_step", HYPER, "hyper[row], hyper[row + 1u]", "hyper[row], hyper[row]"),
    m("adam_step", ARITHMETIC, ROOT, "x"),
    m("adam_step", ARITHMETIC, ROOT, "sqrt(x)").open(
        &["llvmpipe", "SwiftShader"],
        "the specification lets sqrt(0) be 1 / inverseSqrt(0); these adapters give 0",
    ),
    m("adam_step", WORD, "return root4(x)", "return x"),
    m("adam_step", ADAM, "quotient_word(next.m, divisor)", "quotient_word(next.v, divisor)"),
    m(
        "adam_step",
        ADAM,
        "mul_add_word(Word(c.weight_decay), old.p, g)",
        "mul_add_word(Word(-c.weight_decay), old.p, g)",
    ),
    m("adam_step", STEP, "step[0] * params.hyper_stride", "step[0]"),
    m("adamw_step", ADAM, "mul_add(-h.lr, c.weight_decay, 1.0)", "(1.0 - c.weight_decay)"),
    m("adamw_step", ADAM, "adam_step(shrunk, g, ", "adam_step(old, g, "),
    m("adamw_step", ADAM, "adam_step(shrunk, g, ", "adam_step(shrunk, shrunk.p, "),
    m("adamw_step", HYPER, "Hyper(hyper[row], ", "Hyper(hyper[row + 1u], "),
    m("adamw_step", ADAMW_STEP, "adamw_update(load(i)", "adam_update(load(i)"),
    m(
        "nadam_step",
        NADAM,
        "Word(h.step_size), g, h.moment_size * next.m",
        "Word(h.moment_size), g, h.step_size * next.m",
    ),
    m("nadam_step", NADAM, "h.moment_size * next.m", "h.moment_size * m[i]"),
    m("nadam_step", NADAM, "Word(h.inv_sqrt_bias2), Word(params.eps)", "Word(1.0), Word(params.eps)"),
    m("nadam_step", ADAM_BINDINGS, "m[i] = element.m;", ""),
    m("nadam_step", HYPER, "hyper[row + 4u]", "hyper[4u]"),
    m("nadam_step", ADAM_BINDINGS, "v[i] = element.v;", ""),
    m("nadam_step", NADAM, "mul_add_word(Word(params.weight_decay), param[i], grad[i])", "grad[i]"),
    m("rmsprop_step", ARITHMETIC, ROOT, "x"),
    m("rmsprop_step", RMSPROP, "averaged(square[i], g * g)", "averaged(square[i], g)"),
    m("rmsprop_step", SQUARES, "mul_add_word(Word(params.alpha), mean, ", "(mean + "),
    m("rmsprop_step", RMSPROP, "square[i] = s;", ""),
    m("rmsprop_step", SQUARES, " + params.eps", ""),
    m("rmsprop_step", STEP, "step[0] * params.hyper_stride", "step[0]"),
    m("rmsprop_step", SQUARES, "mul_add_word(Word(params.weight_decay), param[i], grad[i])", "grad[i]"),
    m("rmsprop_momentum_step", RMSPROP_MOMENTUM, "mul_add_word(Word(h.momentum), velocity[i], ", "(velocity[i] + "),
    m("rmsprop_momentum_step", RMSPROP_MOMENTUM, "velocity[i] = v;", ""),
    m("rmsprop_momentum_step", HYPER, "hyper[row + 4u]", "hyper[row]"),
    m("rmsprop_momentum_step", RMSPROP_MOMENTUM, "Word(-h.lr), v, param[i]", "Word(-h.lr), v - g, param[i]"),
    m("rmsprop_momentum_step", RMSPROP_MOMENTUM, "square[i] = s;", ""),
    m("rmsprop_centered_step", CENTERED, "mul_add_word(-m, m, s)", "(s - m)"),
    m("rmsprop_centered_step", CENTERED, "mul_add_word(-m, m, s)", "mul_add_word(m, m, s)"),
    m("rmsprop_centered_step", CENTERED, "select(difference, Word(), difference < Word())", "difference"),
    m("rmsprop_centered_step", CENTERED, "averaged(mean[i], g)", "averaged(mean[i], g * g)"),
    m("rmsprop_centered_step", CENTERED, "mean[i] = m;", ""),
    m("rmsprop_centered_step", HYPER, "hyper[row + 4u]", "hyper[4u]"),
    m("adagrad_step", ADAGRAD, "mul_add_word(g, g, sum[i])", "(g * g)"),
    m("adagrad_step", ADAGRAD, "sum[i] = s;", ""),
    m("adagrad_step", HYPER, "hyper[row + 1u]", "hyper[row]"),
    m("adagrad_step", ADAGRAD, "mul_add_word(Word(params.weight_decay), param[i], grad[i])", "grad[i]"),
    m("lion_step", LION, "sign_of(direction)", "direction"),
    m("lion_step", LION, "sign_of(direction)", "sign(direction)")
        .open(&[], "the sign of what is no number is not specified"),
    m("lion_step", LION, "mul_add_word(Word(params.beta2), m[i], params.one_minus_beta2 * g)", "direction"),
    m("lion_step", LION, "mul_add_word(Word(h.momentum), m[i], ", "(m[i] + "),
    m("lion_step", LION, "mul_add(-h.lr, params.weight_decay, 1.0)", "(1.0 - params.weight_decay)"),
    m("lion_step", LION, "h.one_minus_momentum * g", "h.one_minus_momentum * m[i]"),
    m("sgd_momentum_step", SGD, "Word(weight_decay), p, g);\n    let v", "Word(), p, g);\n    let v"),
    m("sgd_momentum_step", SGD, "Word(-h.lr), direction", "Word(h.lr), direction"),
    m("sgd_momentum_step", SGD, "select(v, mul_add_word", "select(d, mul_add_word"),
    m("adam_step", ADAM, "mul_add_word(Word(c.beta2), old.v, ", "(old.v + "),
    m("adam_step", ADAM, "Word(-h.step_size)", "Word(h.step_size)"),
    m(
        "adam_step",
        ADAM,
        "mul_add_word(root_word(next.v), Word(h.inv_sqrt_bias2), Word(c.eps))",
        "((root_word(next.v) + c.eps) * h.inv_sqrt_bias2)",
    ),
    m("adam_step", ADAM, "Word(h.inv_sqrt_bias2)", "Word(1.0)"),
    m("adamw_step", ADAM, "old.m, old.v);\n    return", "old.v, old.m);\n    return"),
    m("nadam_step", NADAM, "mul_add_word(Word(h.step_size), g, h.moment_size * next.m)", "(h.moment_size * next.m)"),
    m("nadam_step", NADAM, "next.p - quotient", "next.p + quotient"),
    m("nadam_step", NADAM, "Word(params.eps)", "Word()"),
    m("nadam_step", ADAM, "mul_add_word(Word(c.beta2), old.v, ", "(old.v + "),
    m("rmsprop_step", SQUARES, "root_word(s) + params.eps", "root_word(s + params.eps)"),
    m("rmsprop_step", RMSPROP, "Word(-h.lr)", "Word(h.lr)"),
    m("rmsprop_momentum_step", SQUARES, "root_word(s) + params.eps", "root_word(s + params.eps)"),
    m("rmsprop_momentum_step", RMSPROP_MOMENTUM, "over_root(g, s)", "h.lr * over_root(g, s)"),
    m("rmsprop_centered_step", SQUARES, "root_word(s) + params.eps", "root_word(s + params.eps)"),
    m("rmsprop_centered_step", SQUARES, "mul_add_word(Word(params.alpha), mean, ", "(mean + "),
    m("rmsprop_centered_step", CENTERED, "velocity[i] = v;", ""),
    m("adagrad_step", ADAGRAD, "root_word(s) + params.eps", "root_word(s + params.eps)"),
    m("adagrad_step", ADAGRAD, "Word(-h.step_size)", "Word(h.step_size)"),
    m("lion_step", LION, "mul_add_word(Word(-h.lr), sign_of", "mul_add_word(Word(h.lr), sign_of"),
    m("lion_step", LION, "    m[i] = mul_add_word(Word(params.beta2), m[i], params.one_minus_beta2 * g);\n", ""),
];
