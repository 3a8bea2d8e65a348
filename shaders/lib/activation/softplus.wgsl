// softplus: y = log(1 + exp(x)); y' = s(x), with s the sigmoid.
// Numerics: as max(x, 0) + log1p(exp(-|x|)): no overflow, and the negative tail keeps its relative precision.
// Source: Dugas, Bengio, Belisle, Nadeau and Garcia, "Incorporating second-order functional knowledge", NIPS (2000).
//#include activation/sigmoid.wgsl

fn softplus_value(x: f32) -> f32 {
    return max(x, 0.0) + log1p_safe(exp_safe(-abs(x)));
}

fn softplus_derivative(x: f32) -> f32 {
    return sigmoid_value(x);
}
