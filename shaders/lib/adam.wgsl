// The part that Adam and AdamW share: the moments and the step they make, for a word of elements
// (lib/word.wgsl, lib/word4.wgsl).
// Numerics: bias corrections and 1 - beta come rounded once from the host, where they do not cancel. sqrt is the
// built-in, within 4.5 ULP by the WGSL specification (1 / inverseSqrt); 0 is kept out of it, because 1 / inverseSqrt(0)
// divides by an infinity.

struct AdamRates {
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    weight_decay: f32,
}

// A parameter and its moments.
struct AdamElement {
    p: Word,
    m: Word,
    v: Word,
}

fn adam_moments(old: AdamElement, g: Word, rates: AdamRates, step_size: f32, inv_sqrt_bias2: f32) -> AdamElement {
    let first = rates.beta1 * old.m + rates.one_minus_beta1 * g;
    let second = rates.beta2 * old.v + rates.one_minus_beta2 * (g * g);
    let root = select(sqrt(second), Word(), second == Word());
    return AdamElement(old.p - step_size * (first / (root * inv_sqrt_bias2 + rates.eps)), first, second);
}

// Adam: the decay is part of the gradient.
fn adam_update(old: AdamElement, g: Word, rates: AdamRates, step_size: f32, inv_sqrt_bias2: f32) -> AdamElement {
    return adam_moments(old, g + rates.weight_decay * old.p, rates, step_size, inv_sqrt_bias2);
}

// AdamW: the decay shrinks the parameter.
fn adamw_update(
    old: AdamElement,
    g: Word,
    rates: AdamRates,
    lr: f32,
    step_size: f32,
    inv_sqrt_bias2: f32,
) -> AdamElement {
    let shrunk = AdamElement(old.p * (1.0 - lr * rates.weight_decay), old.m, old.v);
    return adam_moments(shrunk, g, rates, step_size, inv_sqrt_bias2);
}
