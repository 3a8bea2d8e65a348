// gelu_tanh_grad: dx = dy * (s + x * 2w' * s * (1 - s)), s = sigmoid(2w), w = sqrt(2/pi) (x + 0.044715 x^3).
// Shapes: dy, x, dx [n]. No sums.
// Numerics: s (1 - s) = e / (1 + e)^2 with e = exp(-|2w|), without cancellation.
// Source: as gelu_tanh.
//#include lib/elementwise.wgsl
//#include lib/activation.wgsl

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.n) {
        dx[i] = dy[i] * gelu_tanh_derivative(x[i]);
    }
}
