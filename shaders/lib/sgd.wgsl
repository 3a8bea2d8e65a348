// sgd_step and sgd_momentum_step for one element; formulas, numerics and sources stand with the kernels.

fn sgd_update(p: f32, g: f32, lr: f32, weight_decay: f32) -> f32 {
    let d = g + weight_decay * p;
    return p - lr * d;
}

struct Momentum {
    p: f32,
    velocity: f32,
}

fn momentum_update(
    p: f32,
    g: f32,
    velocity: f32,
    lr: f32,
    momentum: f32,
    nesterov: bool,
    weight_decay: f32,
) -> Momentum {
    let d = g + weight_decay * p;
    let v = momentum * velocity + d;
    return Momentum(p - lr * select(v, d + momentum * v, nesterov), v);
}
