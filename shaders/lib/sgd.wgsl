// sgd_step and sgd_momentum_step for a word of elements (lib/word.wgsl, lib/word4.wgsl); formulas, numerics and sources
// stand with the kernels.

fn sgd_update(p: Word, g: Word, lr: f32, weight_decay: f32) -> Word {
    let d = g + weight_decay * p;
    return p - lr * d;
}

struct Momentum {
    p: Word,
    velocity: Word,
}

fn momentum_update(
    p: Word,
    g: Word,
    velocity: Word,
    lr: f32,
    momentum: f32,
    nesterov: bool,
    weight_decay: f32,
) -> Momentum {
    let d = g + weight_decay * p;
    let v = momentum * velocity + d;
    return Momentum(p - lr * select(v, d + momentum * v, nesterov), v);
}
