// sgd_momentum_step: d = g + weight_decay * p; v = momentum * v + d; p = p - lr * v, with Nesterov's look-ahead
// p = p - lr * (d + momentum * v).
// Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); I. Sutskever et al.,
// "On the importance of initialization and momentum in deep learning" (2013); PyTorch, torch.optim.SGD.
//#include sgd.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    nesterov: u32,
    weight_decay: f32,
}

@group(0) @binding(5) var<storage, read_write> velocity: array<Word>;

fn update(i: u32, h: Hyper) {
    let nesterov = params.nesterov != 0u;
    let next = momentum_update(param[i], grad[i], velocity[i], h, nesterov, params.weight_decay);
    velocity[i] = next.velocity;
    param[i] = next.p;
}
