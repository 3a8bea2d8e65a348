// leaky_relu_grad: dx = dy for x > 0, slope * dy otherwise.
// Shapes: dy, x, dx [n]. No sums.
// Numerics: one rounding. For slope > 0, x may as well be the output y, which has the same sign.
// Source: as leaky_relu.
//#include lib/elementwise.wgsl
//#include lib/activation.wgsl

struct Params {
    n: u32,
    slope: f32,
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
        dx[i] = dy[i] * leaky_relu_derivative(x[i], params.slope);
    }
}
