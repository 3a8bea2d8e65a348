// The part that Adam and AdamW share: the moments and the step they make. The including shader declares the bindings.
// Numerics: bias corrections and 1 - beta come rounded once from the host, where they do not cancel. sqrt is the
// built-in, within 4.5 ULP by the WGSL specification (1 / inverseSqrt); 0 is kept out of it, because 1 / inverseSqrt(0)
// divides by an infinity.

// The new parameter, from p and gradient g of element i; `row` is where the step's row of hyper begins.
fn adam_update(i: u32, p: f32, g: f32, row: u32) -> f32 {
    let first = params.beta1 * m[i] + params.one_minus_beta1 * g;
    let second = params.beta2 * v[i] + params.one_minus_beta2 * (g * g);
    m[i] = first;
    v[i] = second;
    let root = select(sqrt(second), 0.0, second == 0.0);
    return p - hyper[row + 1u] * (first / (root * hyper[row + 2u] + params.eps));
}
