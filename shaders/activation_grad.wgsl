// activation_grad: dx = dy * derivative(x), element by element.
// Shapes: dy, x, dx [n]. No sums.
// Numerics: from the pre-activation x, not from the output, because 1 - y loses all digits where y rounds to 1, and a saturated
// neuron would lose its gradient.
//#include lib/elementwise.wgsl
//#include formula

// The parameter of leaky_relu; the other formulas have none.
override SLOPE: f32 = 0.0;

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
        dx[i] = dy[i] * derivative(x[i]);
    }
}
