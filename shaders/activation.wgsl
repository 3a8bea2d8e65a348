// activation: y = value(x), element by element.
// Shapes: x, y [n]. No sums.
// The formula included says `value` and `derivative`, its numerics and its source. NaN gives NaN.
//#include lib/elementwise.wgsl
//#include formula

// The parameter of leaky_relu; the other formulas have none.
override SLOPE: f32 = 0.0;

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
        y[i] = value(x[i]);
    }
}
