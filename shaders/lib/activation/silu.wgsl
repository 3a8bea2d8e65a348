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
    let above = 1.0 / d;
    let below = e / d;
    return select(below * (1.0 + x * above), above * (1.0 + x * below), x >= 0.0);
}
