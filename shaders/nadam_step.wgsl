// nadam_step: g' = g + weight_decay * p; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
// p = p - (grad_size * g' + moment_size * m) / (sqrt(v) * inv_sqrt_bias2 + eps).
// Shapes: grad, param, m, v [n]; hyper [steps, hyper_stride], a row: lr, grad_size, inv_sqrt_bias2, moment_size, beta1,
// 1 - beta1. No sums.
// Numerics: bias corrections, the schedule of the momentum and 1 - beta come rounded once from the host, where they do not
// cancel; any product may be contracted.
// Source: T. Dozat, "Incorporating Nesterov Momentum into Adam" (2016); PyTorch, torch.optim.NAdam.
//#include lib/elementwise.wgsl
//#include lib/word4.wgsl
//#include lib/root.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;
@group(0) @binding(5) var<storage, read_write> m: array<Word>;
@group(0) @binding(6) var<storage, read_write> v: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (4u * i < params.n) {
        let row = step[0] * params.hyper_stride;
        let g = grad[i] + params.weight_decay * param[i];
        let first = hyper[row + 4u] * m[i] + hyper[row + 5u] * g;
        let second = params.beta2 * v[i] + params.one_minus_beta2 * (g * g);
        let direction = hyper[row + 1u] * g + hyper[row + 3u] * first;
        m[i] = first;
        v[i] = second;
        param[i] -= direction / (root(second) * hyper[row + 2u] + params.eps);
    }
}
