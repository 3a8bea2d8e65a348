//! Activations and their gradients.

use super::{Mutation, m};

const FILE: &str = "lib/activation.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("sigmoid", "sigmoid.wgsl", "sigmoid(x[i])", "sigmoid(-x[i])"),
    m("sigmoid", FILE, "select(e, 1.0, x >= 0.0) / (1.0 + e)", "select(e, 1.0, x <= 0.0) / (1.0 + e)"),
    m("sigmoid", FILE, "select(e, 1.0, x >= 0.0) / (1.0 + e)", "select(e, 1.0, x >= 0.0) / (1.0 - e)"),
    m("sigmoid", FILE, "select(e, 1.0, x >= 0.0) / (1.0 + e)", "select(e, 1.0, x > 0.0) / (1.0 + e)")
        .survives("equivalent: at x = 0 both branches are 1"),
    m("sigmoid_grad", "sigmoid_grad.wgsl", "dy[i] * sigmoid_derivative(x[i])", "x[i] * sigmoid_derivative(dy[i])"),
    m("sigmoid_grad", FILE, "return e / (d * d);", "return e / d;"),
    m("sigmoid_grad", FILE, "return e / (d * d);", "let s = 1.0 / d; return s * (1.0 - s);"),
    m("tanh", "tanh.wgsl", "tanh_safe(x[i])", "tanh(x[i])")
        .open(&[], "the built-in tanh may be better than the specification asks"),
    m("tanh_grad", "tanh_grad.wgsl", "dy[i] * tanh_derivative(x[i])", "dy[i] - tanh_derivative(x[i])"),
    m("tanh_grad", "tanh_grad.wgsl", "tanh_derivative(x[i])", "tanh_derivative(-x[i])")
        .survives("equivalent: the derivative is even"),
    m("tanh_grad", FILE, "(4.0 * e) / (d * d)", "(2.0 * e) / (d * d)"),
    m("tanh_grad", FILE, "(4.0 * e) / (d * d)", "1.0 - tanh_safe(x) * tanh_safe(x)"),
    m("relu", "relu.wgsl", "relu(x[i])", "relu(-x[i])"),
    m("relu", FILE, "select(x, 0.0, x <= 0.0)", "select(x, 0.0, x < 0.0)")
        .survives("equivalent: at x = 0 both branches are 0"),
    m("relu", FILE, "select(x, 0.0, x <= 0.0)", "select(0.0, x, x > 0.0)"),
    m("relu_grad", "relu_grad.wgsl", "dy[i] * relu_derivative(x[i])", "dy[i] + relu_derivative(x[i])"),
    m("relu_grad", FILE, "select(0.0, 1.0, x > 0.0)", "select(0.0, 1.0, x < 0.0)"),
    m("relu_grad", FILE, "select(0.0, 1.0, x > 0.0)", "select(0.0, 1.0, x >= 0.0)"),
    m("leaky_relu", "leaky_relu.wgsl", "leaky_relu(x[i], params.slope)", "leaky_relu(x[i], 0.1)"),
    m("leaky_relu", FILE, "select(x, slope * x, x <= 0.0)", "select(x, slope + x, x <= 0.0)"),
    m("leaky_relu_grad", "leaky_relu_grad.wgsl", "leaky_relu_derivative(x[i],", "leaky_relu_derivative(dy[i],"),
    m("leaky_relu_grad", FILE, "select(slope, 1.0, x > 0.0)", "select(1.0, slope, x > 0.0)"),
    m("gelu", "gelu.wgsl", "i < params.n", "i < params.n - 1u"),
    m("gelu", FILE, "x * normal_cdf(x)", "x * normal_cdf(-x)"),
    m("gelu_grad", "gelu_grad.wgsl", "dy[i] * gelu_derivative(x[i])", "dy[i] * gelu(x[i])"),
    m("gelu_grad", FILE, "tail.ratio - tail.t * 0.3989423", "tail.ratio + tail.t * 0.3989423"),
    m("gelu_grad", FILE, "tail.ratio - tail.t * 0.3989423", "tail.ratio - tail.t * 0.3989"),
    m("gelu_grad", FILE, "select(below, 1.0 - below, x > 0.0), x,", "select(below, 1.0 - below, x < 0.0), x,"),
    m("gelu_tanh", "gelu_tanh.wgsl", "gelu_tanh(x[i])", "gelu(x[i])"),
    m("gelu_tanh", FILE, "z * 0.071354814", "z * 0.0713"),
    m("gelu_tanh", FILE, "clamp(x, -40.0, 40.0)", "clamp(x, -4.0, 4.0)"),
    m("gelu_tanh_grad", "gelu_tanh_grad.wgsl", "dy[i] * gelu_tanh_derivative(x[i])", "gelu_tanh_derivative(x[i])"),
    m("gelu_tanh_grad", FILE, "(a.x * a.slope)", "a.slope"),
    m("gelu_tanh_grad", FILE, "z * 0.21406444", "z * 0.071354814"),
    m("gelu_tanh_grad", FILE, "clamp(x, -40.0, 40.0)", "x"),
    m("gelu_tanh_grad", FILE, "return select(y, x, is_nan_bits(x));\n}\n\nfn silu", "return y;\n}\n\nfn silu")
        .open(&[], "clamp of NaN may be NaN"),
    m("silu", "silu.wgsl", "silu(x[i])", "sigmoid(x[i])"),
    m("silu", FILE, "return x * sigmoid(x);", "return x + sigmoid(x);"),
    m("silu_grad", "silu_grad.wgsl", "dy[i] * silu_derivative(x[i])", "dy[i] / silu_derivative(x[i])"),
    m("silu_grad", FILE, "below * (1.0 + x * above)", "below * (1.0 - x * above)"),
    m("silu_grad", FILE, "above * (1.0 + x * below)", "above * (1.0 + x * above)"),
    m("softplus", "softplus.wgsl", "y[i] = softplus(x[i])", "y[i] = exp(softplus(x[i]))"),
    m("softplus", FILE, "max(x, 0.0) + log1p_safe", "max(-x, 0.0) + log1p_safe"),
    m("softplus", FILE, "log1p_safe(exp_safe(-abs(x)))", "log(1.0 + exp_safe(-abs(x)))"),
    m("softplus_grad", "softplus_grad.wgsl", "dy[i] * softplus_derivative(x[i])", "dy[i] * softplus(x[i])"),
    m(
        "softplus_grad",
        FILE,
        "softplus_derivative(x: f32) -> f32 {\n    return sigmoid(x);",
        "softplus_derivative(x: f32) -> f32 {\n    return sigmoid(-x);",
    ),
    m("matmul_bias_act", FILE, "case 6u: { return gelu_tanh(x); }", "case 6u: { return gelu(x); }"),
    m("matmul_bias_act", FILE, "return leaky_relu(x, slope)", "return leaky_relu(x, 0.0)"),
    m("matmul_act_grad", FILE, "case 7u: { return silu_derivative(x); }", "case 7u: { return silu(x); }"),
    m("matmul_act_grad", FILE, "default: { return 1.0; }", "default: { return x; }"),
];
