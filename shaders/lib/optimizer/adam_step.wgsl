// adam_step: g' = g + weight_decay * p; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
// p = p - step_size * m / (sqrt(v) * inv_sqrt_bias2 + eps).
// Source: D. P. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization" (2015); PyTorch, torch.optim.Adam.
//#include optimizer/adam_bindings.wgsl

fn update(i: u32, h: Hyper) {
    store(i, adam_update(load(i), grad[i], h, constants()));
}
