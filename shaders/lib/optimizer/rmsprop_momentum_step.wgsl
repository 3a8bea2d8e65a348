// rmsprop_momentum_step: g' and s as in rmsprop_step; v = momentum v + g' / (sqrt(s) + eps); p = p - lr * v.
// Source: as rmsprop_step; PyTorch, torch.optim.RMSprop with momentum.
//#include optimizer/rmsprop_bindings.wgsl

@group(0) @binding(6) var<storage, read_write> velocity: array<Word>;

fn update(i: u32, h: Hyper) {
    let g = decayed(i);
    let s = averaged(square[i], g * g);
    let v = mul_add_word(Word(h.momentum), velocity[i], over_root(g, s));
    square[i] = s;
    velocity[i] = v;
    param[i] = mul_add_word(Word(-h.lr), v, param[i]);
}
