// Every multiply-add, division and square root of a shader, so that one place decides how they are rounded: for one number and
// for words of four.
// Numerics: whether a multiply-add is contracted is left to the driver; a division is within 2.5 ULP by the WGSL specification.
// sqrt is within 4.5 ULP (1 / inverseSqrt); 0 is kept out of it, because 1 / inverseSqrt(0) divides by an infinity.

fn mul_add(a: f32, b: f32, c: f32) -> f32 {
    return a * b + c;
}

fn mul_add4(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> vec4<f32> {
    return a * b + c;
}

fn quotient(a: f32, b: f32) -> f32 {
    return a / b;
}

fn quotient4(a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
    return a / b;
}

fn root(x: f32) -> f32 {
    return select(sqrt(x), 0.0, x == 0.0);
}

fn root4(x: vec4<f32>) -> vec4<f32> {
    return select(sqrt(x), vec4<f32>(), x == vec4<f32>());
}
