// sgd_step: d = g + weight_decay * p; p = p - lr * d.
// Shapes: grad, param [n]; hyper [steps, hyper_stride], a row: lr and numbers for others. No sums.
// Numerics: three roundings, each at most one unit roundoff of its result; any of them may be contracted.
// Source: H. Robbins and S. Monro, "A Stochastic Approximation Method" (1951); PyTorch, torch.optim.SGD.
//#include lib/strip.wgsl
//#include lib/sgd.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let lr = hyper[step[0] * params.hyper_stride];
    let first = WORDS * element_index(group, groups, local);
    for (var i = first; i < first + WORDS && 4u * i < params.n; i++) {
        param[i] = sgd_update(param[i], grad[i], lr, params.weight_decay);
    }
}
