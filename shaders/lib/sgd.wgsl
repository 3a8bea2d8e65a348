// sgd_step and sgd_momentum_step for a word of elements (lib/word.wgsl, lib/word4.wgsl); formulas and sources stand in
// lib/optimizer/.

fn sgd_update(p: Word, g: Word, lr: f32, weight_decay: f32) -> Word {
    let d = mul_add_word(Word(weight_decay), p, g);
    return mul_add_word(Word(-lr), d, p);
}

struct Momentum {
    p: Word,
    velocity: Word,
}

fn momentum_update(p: Word, g: Word, velocity: Word, h: Hyper, nesterov: bool, weight_decay: f32) -> Momentum {
    let d = mul_add_word(Word(weight_decay), p, g);
    let v = mul_add_word(Word(h.momentum), velocity, d);
    let direction = select(v, mul_add_word(Word(h.momentum), v, d), nesterov);
    return Momentum(mul_add_word(Word(-h.lr), direction, p), v);
}
