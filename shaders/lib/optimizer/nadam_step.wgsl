// nadam_step: g', m and v as in adam_step; p = p - (grad_size * g' + moment_size * m) / (sqrt(v) * inv_sqrt_bias2 + eps), where
// grad_size stands in the place of step_size.
// Numerics: bias corrections and the schedule of the momentum come from the host.
// Source: T. Dozat, "Incorporating Nesterov Momentum into Adam" (2016); PyTorch, torch.optim.NAdam.
//#include optimizer/adam_bindings.wgsl

fn update(i: u32, h: Hyper) {
    let g = mul_add_word(Word(params.weight_decay), param[i], grad[i]);
    let next = adam_moments(load(i), g, h, constants());
    let direction = mul_add_word(Word(h.step_size), g, h.moment_size * next.m);
    let divisor = mul_add_word(root_word(next.v), Word(h.inv_sqrt_bias2), Word(params.eps));
    let p = next.p - quotient_word(direction, divisor);
    store(i, AdamElement(p, next.m, next.v));
}
