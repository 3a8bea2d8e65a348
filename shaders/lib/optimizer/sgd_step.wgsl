// sgd_step: d = g + weight_decay * p; p = p - lr * d.
// Source: H. Robbins and S. Monro, "A Stochastic Approximation Method" (1951); PyTorch, torch.optim.SGD.
//#include sgd.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    weight_decay: f32,
}

fn update(i: u32, h: Hyper) {
    param[i] = sgd_update(param[i], grad[i], h.lr, params.weight_decay);
}
