// adamw_step: p = p * (1 - lr * weight_decay), then as adam_step with g' = g: m = beta1 m + (1 - beta1) g;
// v = beta2 v + (1 - beta2) g^2; p = p - step_size * m / (sqrt(v) * inv_sqrt_bias2 + eps).
// Shapes: grad, param, m, v [n]; hyper [steps, hyper_stride], a row: lr, step_size, inv_sqrt_bias2, one for NAdam, beta1,
// 1 - beta1. No sums.
// Numerics: see lib/adam.wgsl.
// Source: I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization" (2019); PyTorch, torch.optim.AdamW.
//#include lib/strip.wgsl
//#include lib/adam_bindings.wgsl

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
    let row = step[0] * params.hyper_stride;
    let rates = adam_rates(row);
    let lr = hyper[row];
    let step_size = hyper[row + 1u];
    let inv_sqrt_bias2 = hyper[row + 2u];
    let first = WORDS * element_index(group, groups, local);
    for (var i = first; i < first + WORDS && 4u * i < params.n; i++) {
        let old = AdamElement(param[i], m[i], v[i]);
        store(i, adamw_update(old, grad[i], rates, lr, step_size, inv_sqrt_bias2));
    }
}
