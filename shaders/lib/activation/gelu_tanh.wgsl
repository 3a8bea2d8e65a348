// gelu_tanh: y = x/2 (1 + tanh(w)), w = sqrt(2/pi) (x + 0.044715 x^3); y' = s + x 2w' s (1 - s), s = sigmoid(2w).
// Numerics: as x s, because 1 + tanh cancels on the negative side; s (1 - s) = e / (1 + e)^2 with e = exp(-|2w|).
// Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), arXiv:1606.08415.
//#include activation/sigmoid.wgsl

// 2w, its slope, and x clamped so that the cube stays finite; at 40 the sigmoid is saturated long since.
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

fn gelu_tanh_value(x: f32) -> f32 {
    return x * sigmoid_value(gelu_tanh_argument(x).value);
}

fn gelu_tanh_derivative(x: f32) -> f32 {
    let a = gelu_tanh_argument(x);
    let e = exp_safe(-abs(a.value));
    let d = 1.0 + e;
    let y = select(e, 1.0, a.value >= 0.0) / d + (a.x * a.slope) * (e / (d * d));
    return select(y, x, is_nan_bits(x));
}
