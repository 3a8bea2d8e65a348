// gelu: y = x Phi(x), with Phi the standard normal distribution function; y' = Phi(x) + x phi(x), phi the density.
// Numerics: Phi through its tail ratio (lib/math.wgsl), so that the negative side keeps its relative precision, which
// x/2 (1 + erf) loses. There both terms of the derivative share the density, and x phi(x) is the larger by far.
// Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), arXiv:1606.08415.
//#include math.wgsl

fn gelu_value(x: f32) -> f32 {
    return x * normal_cdf(x);
}

fn gelu_derivative(x: f32) -> f32 {
    let tail = normal_tail(x);
    let below = tail.density * (tail.ratio - tail.t * 0.3989423);
    return select(select(below, 1.0 - below, x > 0.0), x, is_nan_bits(x));
}
