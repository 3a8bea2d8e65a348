// rmsprop_centered_step: g' and s as in rmsprop_step; m = alpha m + (1 - alpha) g';
// v = momentum v + g' / (sqrt(max(s - m^2, 0)) + eps); p = p - lr * v.
// Numerics: s - m^2 is a variance: where rounding makes it negative it counts as 0, of which PyTorch takes the root, NaN. The
// comparison lets NaN through.
// Source: A. Graves, "Generating Sequences With Recurrent Neural Networks" (2013), equations 38 to 45; PyTorch,
// torch.optim.RMSprop with centered.
//#include optimizer/rmsprop_bindings.wgsl

@group(0) @binding(6) var<storage, read_write> velocity: array<Word>;
@group(0) @binding(7) var<storage, read_write> mean: array<Word>;

fn update(i: u32, h: Hyper) {
    let g = decayed(i);
    let s = averaged(square[i], g * g);
    let m = averaged(mean[i], g);
    let difference = mul_add_word(-m, m, s);
    let variance = select(difference, Word(), difference < Word());
    let v = mul_add_word(Word(h.momentum), velocity[i], over_root(g, variance));
    square[i] = s;
    mean[i] = m;
    velocity[i] = v;
    param[i] = mul_add_word(Word(-h.lr), v, param[i]);
}
