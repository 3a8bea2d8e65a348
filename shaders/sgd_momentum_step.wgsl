// sgd_momentum_step: d = g + weight_decay * p; v = momentum * v + d; p = p - lr * v, with Nesterov's look-ahead
// p = p - lr * (d + momentum * v).
// Shapes: grad, param, velocity [n]; hyper [steps, hyper_stride], a row: lr, three for others, momentum, 1 - momentum. No sums.
// Numerics: each operation rounds once; any product may be contracted. The velocity starts at 0.
// Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); I. Sutskever et al.,
// "On the importance of initialization and momentum in deep learning" (2013); PyTorch, torch.optim.SGD.
//#include lib/strip.wgsl
//#include lib/sgd.wgsl

struct Params {
    n: u32,
    hyper_stride: u32,
    nesterov: u32,
    weight_decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> grad: array<Word>;
@group(0) @binding(4) var<storage, read_write> param: array<Word>;
@group(0) @binding(5) var<storage, read_write> velocity: array<Word>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = step[0] * params.hyper_stride;
    let lr = hyper[row];
    let momentum = hyper[row + 4u];
    let nesterov = params.nesterov != 0u;
    let first = WORDS * element_index(group, groups, local);
    for (var i = first; i < first + WORDS && 4u * i < params.n; i++) {
        let next = momentum_update(param[i], grad[i], velocity[i], lr, momentum, nesterov, params.weight_decay);
        velocity[i] = next.velocity;
        param[i] = next.p;
    }
}
