// half_squared_error: loss_i = sum_j (t_ij - y_ij)^2 / 2; dpred_ij = upstream_i * (y_ij - t_ij).
// Shapes: pred, expected, dpred [rows, cols]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl.
// Numerics: one rounding for the difference, which the square doubles.
// Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
//#include lib/element_loss_rows.wgsl
//#include lib/half_squared_error_element.wgsl

struct Params {
    rows: u32,
    cols: u32,
    upstream_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> pred: array<f32>;
@group(0) @binding(3) var<storage, read> expected: array<f32>;
@group(0) @binding(4) var<storage, read> upstream: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> dpred: array<f32>;

const MEAN: bool = false;

fn element(y: f32, t: f32) -> ElementLoss {
    return half_squared_error_element(y, t);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    element_loss_rows(group, groups, local);
}
