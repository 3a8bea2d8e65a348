// rmsprop_centered_step: g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; m = alpha m + (1 - alpha) g';
// v = momentum v + g' / (sqrt(max(s - m^2, 0)) + eps); p = p - lr * v.
// Shapes: grad, param, square, velocity, mean [n]; hyper [steps, hyper_stride], a row: lr, three for others, momentum,
// 1 - momentum. No sums.
// Numerics: each operation rounds once, any product may be contracted; 1 - alpha comes rounded once from the host. s - m^2
// is a variance: where rounding makes it negative it counts as 0, of which PyTorch takes the root, NaN. The comparison
// lets NaN through.
// Source: A. Graves, "Generating Sequences With Recurrent Neural Networks" (2013), equations 38 to 45; PyTorch,
// torch.optim.RMSprop with centered.
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
@group(0) @binding(6) var<storage, read_write> velocity: array<Word>;
@group(0) @binding(7) var<storage, read_write> mean: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (4u * i < params.n) {
        let row = step[0] * params.hyper_stride;
        let lr = hyper[row];
        let momentum = hyper[row + 4u];
        let g = grad[i] + params.weight_decay * param[i];
        let s = params.alpha * square[i] + params.one_minus_alpha * (g * g);
        let m = params.alpha * mean[i] + params.one_minus_alpha * g;
        let difference = s - m * m;
        let variance = select(difference, Word(), difference < Word());
        let v = momentum * velocity[i] + g / (root(variance) + params.eps);
        square[i] = s;
        mean[i] = m;
        velocity[i] = v;
        param[i] -= lr * v;
    }
}
