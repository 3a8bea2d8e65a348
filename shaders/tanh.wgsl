// tanh: y = tanh(x).
// Shapes: x, y [n]. No sums.
// Numerics: an odd polynomial near 0, exp(-2|x|) elsewhere (lib/math.wgsl), because the built-in gives NaN for
// large |x| on some drivers; full relative precision.
// Source: LeCun, Bottou, Orr and Mueller, "Efficient BackProp" (1998).
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
        y[i] = tanh_safe(x[i]);
    }
}
