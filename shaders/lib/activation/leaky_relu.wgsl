// leaky_relu: y = x for x > 0, slope * x otherwise; y'(0) = slope.
// Numerics: at most one rounding; NaN passes. For slope > 0 the derivative's x may as well be the output.
// Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML (2013).

fn leaky_relu_value(x: f32, slope: f32) -> f32 {
    return select(x, slope * x, x <= 0.0);
}

fn leaky_relu_derivative(x: f32, slope: f32) -> f32 {
    return select(slope, 1.0, x > 0.0);
}
