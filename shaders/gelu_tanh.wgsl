// gelu_tanh: y = x/2 * (1 + tanh(w)), w = sqrt(2/pi) (x + 0.044715 x^3).
// Shapes: x, y [n]. No sums.
// Numerics: as x * sigmoid(2w), because 1 + tanh cancels on the negative side.
// Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016), arXiv:1606.08415.
//#include lib/elementwise.wgsl
//#include lib/activation.wgsl

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.n) {
        y[i] = gelu_tanh(x[i]);
    }
}
