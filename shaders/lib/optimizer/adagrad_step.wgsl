// adagrad_step: g' = g + weight_decay * p; s = s + g'^2; p = p - step_size * g' / (sqrt(s) + eps).
// Numerics: step_size, lr / (1 + t lr_decay), comes from the host.
// Source: J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization"
// (2011); PyTorch, torch.optim.Adagrad.

struct Params {
    n: u32,
    hyper_stride: u32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(5) var<storage, read_write> sum: array<Word>;

fn update(i: u32, h: Hyper) {
    let g = mul_add_word(Word(params.weight_decay), param[i], grad[i]);
    let s = mul_add_word(g, g, sum[i]);
    sum[i] = s;
    let direction = quotient_word(g, root_word(s) + params.eps);
    param[i] = mul_add_word(Word(-h.step_size), direction, param[i]);
}
