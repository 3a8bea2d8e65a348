// lion_step: p = p * (1 - lr * weight_decay) - lr * sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g.
// Shapes: grad, param, m [n]; hyper [steps, hyper_stride], a row: lr, three for others, beta1, 1 - beta1. No sums.
// Numerics: sign(0) is 0; where rounding decides the sign the step is off by up to 2 lr, which the bound says. 1 - beta comes
// rounded once from the host. What is no number has no sign and stays what it is.
// Source: X. Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), algorithm 2.
//#include lib/elementwise.wgsl
//#include lib/word4.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    beta2: f32,
    one_minus_beta2: f32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;
@group(0) @binding(5) var<storage, read_write> m: array<Word>;

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
        let g = grad[i];
        let direction = hyper[row + 4u] * m[i] + hyper[row + 5u] * g;
        param[i] = param[i] * (1.0 - lr * params.weight_decay) - lr * sign_of(direction);
        m[i] = params.beta2 * m[i] + params.one_minus_beta2 * g;
    }
}

// The sign; what is no number, whose bits say so, stays as it is.
fn sign_of(x: Word) -> Word {
    let bits = bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu);
    return select(sign(x), x, bits > vec4<u32>(0x7f800000u));
}
