// adagrad_step: g' = g + weight_decay * p; s = s + g'^2; p = p - step_size * g' / (sqrt(s) + eps).
// Shapes: grad, param, sum [n]; hyper [steps, hyper_stride], a row: lr, step_size and two numbers for others. No sums.
// Numerics: each operation rounds once, any product may be contracted; step_size, lr / (1 + t lr_decay), comes from the host.
// Source: J. Duchi, E. Hazan and Y. Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization"
// (2011); PyTorch, torch.optim.Adagrad.
//#include lib/elementwise.wgsl
//#include lib/word4.wgsl
//#include lib/root.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    eps: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;
@group(0) @binding(5) var<storage, read_write> sum: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (4u * i < params.n) {
        let step_size = hyper[step[0] * params.hyper_stride + 1u];
        let g = grad[i] + params.weight_decay * param[i];
        let s = sum[i] + g * g;
        sum[i] = s;
        param[i] -= step_size * (g / (root(s) + params.eps));
    }
}
