// relu: y = max(x, 0); y'(0) = 0.
// Numerics: exact; written so that NaN passes. The derivative's x may as well be the output, which has the same sign.
// Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML (2010).

fn relu_value(x: f32) -> f32 {
    return select(x, 0.0, x <= 0.0);
}

fn relu_derivative(x: f32) -> f32 {
    return select(0.0, 1.0, x > 0.0);
}
