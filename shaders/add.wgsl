// add: y = a + b; joins the gradients of a value that is used twice.
// Shapes: a, b, y [n]. No sums beyond the one.
// Numerics: one rounding.
// Source: the chain rule for a value with two uses.
//#include lib/elementwise.wgsl

struct Params {
    n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.n) {
        y[i] = a[i] + b[i];
    }
}
