//! Activations and their gradients.

use super::{MADE, Mutation, m};

const VALUE: &str = "activation.wgsl";
const GRAD: &str = "activation_grad.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("identity", "lib/activation/identity.wgsl", "    return x;", "    return -x;"),
    m("identity_grad", "lib/activation/identity.wgsl", "return 1.0;", "return 2.0;"),
    m("matmul_bias_act", "lib/activation.wgsl", "activate_as(ACT, SLOPE, x)", "activate_as(ACT, 0.0, x)"),
    m("matmul_act_grad", "lib/activation.wgsl", "derivative_as(ACT, SLOPE, x)", "activate_as(ACT, SLOPE, x)"),
    m("sigmoid", VALUE, "value(x[i])", "value(-x[i])"),
    m(
        "sigmoid",
        "lib/activation/sigmoid.wgsl",
        "select(e, 1.0, x >= 0.0) / (1.0 + e)",
        "select(e, 1.0, x <= 0.0) / (1.0 + e)",
    ),
    m(
        "sigmoid",
        "lib/activation/sigmoid.wgsl",
        "select(e, 1.0, x >= 0.0) / (1.0 + e)",
        "select(e, 1.0, x >= 0.0) / (1.0 - e)",
    ),
    m(
        "sigmoid",
        "lib/activation/sigmoid.wgsl",
        "select(e, 1.0, x >= 0.0) / (1.0 + e)",
        "select(e, 1.0, x > 0.0) / (1.0 + e)",
    )
    .survives("equivalent: at x = 0 both branches are 1"),
    m("sigmoid_grad", GRAD, "dy[i] * derivative(x[i])", "x[i] * derivative(dy[i])"),
    m("sigmoid_grad", "lib/activation/sigmoid.wgsl", "return e / (d * d);", "return e / d;"),
    m("sigmoid_grad", "lib/activation/sigmoid.wgsl", "return e / (d * d);", "let s = 1.0 / d; return s * (1.0 - s);"),
    m("tanh", "lib/activation/tanh.wgsl", "return tanh_safe(x);", "return tanh(x);")
        .open(&[], "the built-in tanh may be better than the specification asks"),
    m("tanh_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] - derivative(x[i])"),
    m("tanh_grad", GRAD, "derivative(x[i])", "derivative(-x[i])").survives("equivalent: the derivative is even"),
    m("tanh_grad", "lib/activation/tanh.wgsl", "(4.0 * e) / (d * d)", "(2.0 * e) / (d * d)"),
    m("tanh_grad", "lib/activation/tanh.wgsl", "(4.0 * e) / (d * d)", "1.0 - tanh_safe(x) * tanh_safe(x)"),
    m("relu", VALUE, "value(x[i])", "value(-x[i])"),
    m("relu", "lib/activation/relu.wgsl", "select(x, 0.0, x <= 0.0)", "select(x, 0.0, x < 0.0)")
        .survives("equivalent: at x = 0 both branches are 0"),
    m("relu", "lib/activation/relu.wgsl", "select(x, 0.0, x <= 0.0)", "select(0.0, x, x > 0.0)"),
    m("relu_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] + derivative(x[i])"),
    m("relu_grad", "lib/activation/relu.wgsl", "select(0.0, 1.0, x > 0.0)", "select(0.0, 1.0, x < 0.0)"),
    m("relu_grad", "lib/activation/relu.wgsl", "select(0.0, 1.0, x > 0.0)", "select(0.0, 1.0, x >= 0.0)"),
    m("leaky_relu", MADE, "leaky_relu_value(x, SLOPE)", "leaky_relu_value(x, 0.1)"),
    m(
        "leaky_relu",
        "lib/activation/leaky_relu.wgsl",
        "select(x, slope * x, x <= 0.0)",
        "select(x, slope + x, x <= 0.0)",
    ),
    m("leaky_relu_grad", GRAD, "derivative(x[i])", "derivative(dy[i])"),
    m(
        "leaky_relu_grad",
        "lib/activation/leaky_relu.wgsl",
        "select(slope, 1.0, x > 0.0)",
        "select(1.0, slope, x > 0.0)",
    ),
    m("gelu", VALUE, "i < params.n", "i < params.n - 1u"),
    m("gelu", "lib/activation/gelu.wgsl", "x * normal_cdf(x)", "x * normal_cdf(-x)"),
    m("gelu_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] * value(x[i])"),
    m("gelu_grad", "lib/activation/gelu.wgsl", "tail.ratio - tail.t * 0.3989423", "tail.ratio + tail.t * 0.3989423"),
    m("gelu_grad", "lib/activation/gelu.wgsl", "tail.ratio - tail.t * 0.3989423", "tail.ratio - tail.t * 0.3989"),
    m(
        "gelu_grad",
        "lib/activation/gelu.wgsl",
        "select(below, 1.0 - below, x > 0.0), x,",
        "select(below, 1.0 - below, x < 0.0), x,",
    ),
    m("gelu_tanh", VALUE, "y[i] = value(x[i])", "y[i] = derivative(x[i])"),
    m("gelu_tanh", "lib/activation/gelu_tanh.wgsl", "z * 0.071354814", "z * 0.0713"),
    m("gelu_tanh", "lib/activation/gelu_tanh.wgsl", "clamp(x, -40.0, 40.0)", "clamp(x, -4.0, 4.0)"),
    m("gelu_tanh_grad", GRAD, "dy[i] * derivative(x[i])", "derivative(x[i])"),
    m("gelu_tanh_grad", "lib/activation/gelu_tanh.wgsl", "(a.x * a.slope)", "a.slope"),
    m("gelu_tanh_grad", "lib/activation/gelu_tanh.wgsl", "z * 0.21406444", "z * 0.071354814"),
    m("gelu_tanh_grad", "lib/activation/gelu_tanh.wgsl", "clamp(x, -40.0, 40.0)", "x"),
    m("gelu_tanh_grad", "lib/activation/gelu_tanh.wgsl", "return select(y, x, is_nan_bits(x));", "return y;")
        .open(&[], "clamp of NaN may be NaN"),
    m("silu", VALUE, "value(x[i])", "sigmoid_value(x[i])"),
    m("silu", "lib/activation/silu.wgsl", "return x * sigmoid_value(x);", "return x + sigmoid_value(x);"),
    m("silu_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] / derivative(x[i])"),
    m("silu_grad", "lib/activation/silu.wgsl", "below * (1.0 + x * above)", "below * (1.0 - x * above)"),
    m("silu_grad", "lib/activation/silu.wgsl", "above * (1.0 + x * below)", "above * (1.0 + x * above)"),
    m("softplus", VALUE, "y[i] = value(x[i])", "y[i] = exp(value(x[i]))"),
    m("softplus", "lib/activation/softplus.wgsl", "max(x, 0.0) + log1p_safe", "max(-x, 0.0) + log1p_safe"),
    m("softplus", "lib/activation/softplus.wgsl", "log1p_safe(exp_safe(-abs(x)))", "log(1.0 + exp_safe(-abs(x)))"),
    m("softplus_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] * value(x[i])"),
    m(
        "softplus_grad",
        "lib/activation/softplus.wgsl",
        "softplus_derivative(x: f32) -> f32 {\n    return sigmoid_value(x);",
        "softplus_derivative(x: f32) -> f32 {\n    return sigmoid_value(-x);",
    ),
    m("matmul_bias_act", MADE, "case 6u: { return gelu_tanh_value(x); }", "case 6u: { return gelu_value(x); }"),
    m("matmul_bias_act", MADE, "return leaky_relu_value(x, slope)", "return leaky_relu_value(x, 0.0)"),
    m("matmul_act_grad", MADE, "case 7u: { return silu_derivative(x); }", "case 7u: { return silu_value(x); }"),
    m("matmul_act_grad", MADE, "default: { return identity_derivative(x); }", "default: { return x; }"),
];
