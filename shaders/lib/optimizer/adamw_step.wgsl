// adamw_step: p = p * (1 - lr * weight_decay), then as adam_step with g' = g.
// Source: I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization" (2019); PyTorch, torch.optim.AdamW.
//#include optimizer/adam_bindings.wgsl

fn update(i: u32, h: Hyper) {
    store(i, adamw_update(load(i), grad[i], h, constants()));
}
