// Params and the mean of the squares, for the rules of RMSProp.

struct Params {
    n: u32,
    hyper_stride: u32,
    alpha: f32,
    one_minus_alpha: f32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(5) var<storage, read_write> square: array<Word>;

// The gradient with the decay.
fn decayed(i: u32) -> Word {
    return mul_add_word(Word(params.weight_decay), param[i], grad[i]);
}

// A mean with one more number in it.
fn averaged(mean: Word, next: Word) -> Word {
    return mul_add_word(Word(params.alpha), mean, params.one_minus_alpha * next);
}

// g / (sqrt(s) + eps)
fn over_root(g: Word, s: Word) -> Word {
    return quotient_word(g, root_word(s) + params.eps);
}
