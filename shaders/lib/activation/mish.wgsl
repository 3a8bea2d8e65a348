// mish: y = x g, g = tanh(log(1 + exp(x))); y' = g + x g'.
// Numerics: with e = exp(-|x|), g = n / d with n = 1 + 2e, d = n + 2e^2 for x >= 0, and n = e (e + 2), d = n + 2 for x < 0;
// g' = 4t (1 + e) / d^2 with t = e^2 and t = e. All terms are positive, so that g and g' keep their relative precision in both tails.
// Source: D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC (2020).
//#include math.wgsl

// g and g'.
struct MishGate {
    value: f32,
    slope: f32,
}

fn mish_gate(x: f32) -> MishGate {
    let e = exp_safe(-abs(x));
    let above = x >= 0.0;
    let square = e * e;
    let n = select(e * (e + 2.0), 1.0 + (e + e), above);
    let d = n + select(2.0, 2.0 * square, above);
    let t = select(e, square, above);
    return MishGate(quotient(n, d), quotient(4.0 * t * (1.0 + e), d * d));
}

fn mish_value(x: f32) -> f32 {
    return x * mish_gate(x).value;
}

fn mish_derivative(x: f32) -> f32 {
    let gate = mish_gate(x);
    return mul_add(x, gate.slope, gate.value);
}
