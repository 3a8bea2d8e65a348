// silu: y = x s(x), with s the sigmoid; y' = s(x) (1 + x s(-x)).
// Numerics: as sigmoid; s(-x) is computed as such rather than as 1 - s(x), and the saturated side has no product of infinity
// and zero.
// Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", Neural Networks 107 (2018).
//#include activation/sigmoid.wgsl

fn silu_value(x: f32) -> f32 {
    return x * sigmoid_value(x);
}

fn silu_derivative(x: f32) -> f32 {
    let e = exp_safe(-abs(x));
    let d = 1.0 + e;
    let above = quotient(1.0, d);
    let below = quotient(e, d);
    return select(below * mul_add(x, above, 1.0), above * mul_add(x, below, 1.0), x >= 0.0);
}
