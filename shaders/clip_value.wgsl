// clip_value: y = min(max(x, -limit), limit).
// Shapes: x, y [n]. No sums.
// Numerics: exact; the comparisons let NaN through.
// Source: PyTorch, torch.nn.utils.clip_grad_value_.
//#include lib/elementwise.wgsl

struct Params {
    n: u32,
    limit: f32,
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
        let low = select(x[i], -params.limit, x[i] < -params.limit);
        y[i] = select(low, params.limit, low > params.limit);
    }
}
