// lion_step: p = p * (1 - lr * weight_decay) - lr * sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g.
// Numerics: sign(0) is 0; where rounding decides the sign the step is off by up to 2 lr, which the bound says. What is no
// number has no sign and stays what it is.
// Source: X. Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2.

struct Params {
    n: u32,
    hyper_stride: u32,
    beta2: f32,
    one_minus_beta2: f32,
    weight_decay: f32,
}

@group(0) @binding(5) var<storage, read_write> m: array<Word>;

// The sign; what is no number, whose bits say so, stays as it is.
fn sign_of(x: Word) -> Word {
    let bits = bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu);
    return select(sign(x), x, bits > vec4<u32>(0x7f800000u));
}

fn update(i: u32, h: Hyper) {
    let g = grad[i];
    let direction = mul_add_word(Word(h.momentum), m[i], h.one_minus_momentum * g);
    let shrink = mul_add(-h.lr, params.weight_decay, 1.0);
    param[i] = mul_add_word(Word(-h.lr), sign_of(direction), param[i] * shrink);
    m[i] = mul_add_word(Word(params.beta2), m[i], params.one_minus_beta2 * g);
}
