// gelu_grad: dx = dy * (Phi(x) + x phi(x)), phi the standard normal density.
// Shapes: dy, x, dx [n]. No sums.
// Numerics: on the negative side both terms share one factor exp(-x^2 / 2), so that the tail keeps its precision.
// Source: as gelu.
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
        dx[i] = dy[i] * gelu_derivative(x[i]);
    }
}
