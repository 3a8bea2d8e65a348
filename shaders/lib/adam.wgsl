// Adam and AdamW for a word of elements (lib/word.wgsl, lib/word4.wgsl), and the moments, which NAdam has too; formulas and
// sources stand in lib/optimizer/.

struct AdamConstants {
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

// The moments after a step with the gradient g.
fn adam_moments(old: AdamElement, g: Word, h: Hyper, c: AdamConstants) -> AdamElement {
    let first = mul_add_word(Word(h.momentum), old.m, h.one_minus_momentum * g);
    let second = mul_add_word(Word(c.beta2), old.v, c.one_minus_beta2 * (g * g));
    return AdamElement(old.p, first, second);
}

fn adam_step(old: AdamElement, g: Word, h: Hyper, c: AdamConstants) -> AdamElement {
    let next = adam_moments(old, g, h, c);
    let divisor = mul_add_word(root_word(next.v), Word(h.inv_sqrt_bias2), Word(c.eps));
    let p = mul_add_word(Word(-h.step_size), quotient_word(next.m, divisor), old.p);
    return AdamElement(p, next.m, next.v);
}

// Adam: the decay is part of the gradient.
fn adam_update(old: AdamElement, g: Word, h: Hyper, c: AdamConstants) -> AdamElement {
    return adam_step(old, mul_add_word(Word(c.weight_decay), old.p, g), h, c);
}

// AdamW: the decay shrinks the parameter.
fn adamw_update(old: AdamElement, g: Word, h: Hyper, c: AdamConstants) -> AdamElement {
    let shrunk = AdamElement(old.p * mul_add(-h.lr, c.weight_decay, 1.0), old.m, old.v);
    return adam_step(shrunk, g, h, c);
}
