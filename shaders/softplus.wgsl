// softplus: y = log(1 + exp(x)).
// Shapes: x, y [n]. No sums.
// Numerics: as max(x, 0) + log1p(exp(-|x|)): no overflow, and the negative tail keeps its relative precision.
// Source: Dugas, Bengio, Belisle, Nadeau and Garcia, "Incorporating second-order functional knowledge", NIPS (2000).
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
        y[i] = softplus(x[i]);
    }
}
