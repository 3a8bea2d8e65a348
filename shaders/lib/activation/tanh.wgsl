// tanh: y = tanh(x); y' = 4e / (1 + e)^2, e = exp(-2|x|).
// Numerics: an odd polynomial near 0, exp(-2|x|) elsewhere (lib/math.wgsl), because the built-in gives NaN for large |x| on some
// drivers; full relative precision.
// Source: LeCun, Bottou, Orr and Mueller, "Efficient BackProp" (1998).
//#include math.wgsl

fn tanh_value(x: f32) -> f32 {
    return tanh_safe(x);
}

fn tanh_derivative(x: f32) -> f32 {
    let e = exp_safe(-2.0 * abs(x));
    let d = 1.0 + e;
    return (4.0 * e) / (d * d);
}
