// identity: y = x; stands where a table asks for an activation.
// Numerics: a copy; exact.

fn identity_value(x: f32) -> f32 {
    return x;
}

fn identity_derivative(x: f32) -> f32 {
    return 1.0;
}
