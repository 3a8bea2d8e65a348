// A row of the table `hyper`, the optimizer's numbers that change from step to step. A rule reads some of them; the others may
// hold anything.

struct Hyper {
    lr: f32,
    // lr / (1 - beta1^t), or what a rule has in its place.
    step_size: f32,
    // 1 / sqrt(1 - beta2^t).
    inv_sqrt_bias2: f32,
    // What NAdam multiplies the first moment by.
    moment_size: f32,
    // Momentum, or beta1.
    momentum: f32,
    one_minus_momentum: f32,
}

fn hyper_at(row: u32) -> Hyper {
    return Hyper(hyper[row], hyper[row + 1u], hyper[row + 2u], hyper[row + 3u], hyper[row + 4u], hyper[row + 5u]);
}
