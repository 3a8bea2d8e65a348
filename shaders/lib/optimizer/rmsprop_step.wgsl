// rmsprop_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; p = p - lr * g' / (sqrt(s) + eps).
// Source: T. Tieleman and G. Hinton, "Lecture 6.5" of "Neural Networks for Machine Learning" (2012); PyTorch,
// torch.optim.RMSprop.
//#include optimizer/rmsprop_bindings.wgsl

fn update(i: u32, h: Hyper) {
    let g = decayed(i);
    let s = averaged(square[i], g * g);
    square[i] = s;
    param[i] = mul_add_word(Word(-h.lr), over_root(g, s), param[i]);
}
