// sigmoid: y = 1 / (1 + exp(-x)); y' = s(x) s(-x) = e / (1 + e)^2, e = exp(-|x|), with s the sigmoid.
// Numerics: by sign, so that exp never overflows and both tails keep full relative precision.
// Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
//#include math.wgsl

fn sigmoid_value(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn sigmoid_derivative(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    let d = 1.0 + e;
    return e / (d * d);
}
