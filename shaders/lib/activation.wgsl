// The element-wise activations and their derivatives, as functions of the pre-activation x.
// Derivatives are computed from x, not from the output, so that a saturated neuron keeps a gradient with all its
// digits. NaN gives NaN. The bounds stand in the CPU twins (`value_error`, `derivative_error`).
//#include math.wgsl

// The activation of a fused epilogue; a constant of the pipeline, so that the compiler keeps one branch.
override ACT: u32 = 0u;
override SLOPE: f32 = 0.0;

fn sigmoid(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn sigmoid_derivative(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    let d = 1.0 + e;
    return e / (d * d);
}

fn tanh_derivative(x: f32) -> f32 {
    let e = exp_safe(-2.0 * abs(x));
    let d = 1.0 + e;
    return (4.0 * e) / (d * d);
}

// Written so that NaN passes.
fn relu(x: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn relu_derivative(x: f32) -> f32 {
    return select(0.0, 1.0, x > 0.0);
}

fn leaky_relu(x: f32, slope: f32) -> f32 {
    return select(x, slope * x, x <= 0.0);
}

fn leaky_relu_derivative(x: f32, slope: f32) -> f32 {
    return select(slope, 1.0, x > 0.0);
}

fn gelu(x: f32) -> f32 {
    return x * normal_cdf(x);
}

// Phi(x) + x phi(x). In the negative tail both terms share the density, and x phi(x) is the larger by far.
fn gelu_derivative(x: f32) -> f32 {
    let tail = normal_tail(x);
    let below = tail.density * (tail.ratio - tail.t * 0.3989423);
    return select(select(below, 1.0 - below, x > 0.0), x, is_nan_bits(x));
}

// Twice the argument of the tanh form: x/2 (1 + tanh(w)) = x sigmoid(2w), 2w = 2 sqrt(2/pi) (x + 0.044715 x^3).
// Clamped, so that the cube stays finite; at 40 the sigmoid is saturated long since.
struct GeluTanhArgument {
    x: f32,
    value: f32,
    slope: f32,
}

fn gelu_tanh_argument(x: f32) -> GeluTanhArgument {
    let t = clamp(x, -40.0, 40.0);
    let z = t * t;
    return GeluTanhArgument(t, t * (z * 0.071354814 + 1.5957691), z * 0.21406444 + 1.5957691);
}

fn gelu_tanh(x: f32) -> f32 {
    return x * sigmoid(gelu_tanh_argument(x).value);
}

fn gelu_tanh_derivative(x: f32) -> f32 {
    let a = gelu_tanh_argument(x);
    let e = exp_safe(-abs(a.value));
    let d = 1.0 + e;
    let y = select(e, 1.0, a.value >= 0.0) / d + (a.x * a.slope) * (e / (d * d));
    return select(y, x, is_nan_bits(x));
}

fn silu(x: f32) -> f32 {
    return x * sigmoid(x);
}

// s(x) (1 + x s(-x)): the form in which the saturated side has no product of infinity and zero.
fn silu_derivative(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    let d = 1.0 + e;
    let above = 1.0 / d;
    let below = e / d;
    return select(below * (1.0 + x * above), above * (1.0 + x * below), x >= 0.0);
}

fn softplus(x: f32) -> f32 {
    return max(x, 0.0) + log1p_safe(exp_safe(-abs(x)));
}

fn softplus_derivative(x: f32) -> f32 {
    return sigmoid(x);
}

// The activation of x with this code (`Act::code`).
fn activate_as(act: u32, slope: f32, x: f32) -> f32 {
    switch act {
        case 1u: { return sigmoid(x); }
        case 2u: { return tanh_safe(x); }
        case 3u: { return relu(x); }
        case 4u: { return leaky_relu(x, slope); }
        case 5u: { return gelu(x); }
        case 6u: { return gelu_tanh(x); }
        case 7u: { return silu(x); }
        case 8u: { return softplus(x); }
        default: { return x; }
    }
}

// Its derivative at x (for relu and leaky_relu, x may as well be the output).
fn derivative_as(act: u32, slope: f32, x: f32) -> f32 {
    switch act {
        case 1u: { return sigmoid_derivative(x); }
        case 2u: { return tanh_derivative(x); }
        case 3u: { return relu_derivative(x); }
        case 4u: { return leaky_relu_derivative(x, slope); }
        case 5u: { return gelu_derivative(x); }
        case 6u: { return gelu_tanh_derivative(x); }
        case 7u: { return silu_derivative(x); }
        case 8u: { return softplus_derivative(x); }
        default: { return 1.0; }
    }
}

// The activation ACT of x.
fn activate(x: f32) -> f32 {
    return activate_as(ACT, SLOPE, x);
}

fn activate_derivative(x: f32) -> f32 {
    return derivative_as(ACT, SLOPE, x);
}
