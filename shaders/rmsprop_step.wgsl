// rmsprop_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; p = p - lr * g' / (sqrt(s) + eps).
// Shapes: grad, param, square [n]; hyper [steps, hyper_stride], a row: lr and numbers for others. No sums.
// Numerics: each operation rounds once, any product may be contracted; 1 - alpha comes rounded once from the host.
// Source: T. Tieleman and G. Hinton, "Lecture 6.5" of "Neural Networks for Machine Learning" (2012); PyTorch,
// torch.optim.RMSprop.
//#include lib/elementwise.wgsl
//#include lib/word4.wgsl
//#include lib/root.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    alpha: f32,
    one_minus_alpha: f32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;
@group(0) @binding(5) var<storage, read_write> square: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (4u * i < params.n) {
        let lr = hyper[step[0] * params.hyper_stride];
        let g = grad[i] + params.weight_decay * param[i];
        let s = params.alpha * square[i] + params.one_minus_alpha * (g * g);
        square[i] = s;
        param[i] -= lr * (g / (root(s) + params.eps));
    }
}
