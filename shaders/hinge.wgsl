// hinge: loss_i = mean_j max(0, 1 - t_ij y_ij) for targets -1 and 1; dpred_ij = upstream_i / cols * (-t_ij) where
// 1 - t_ij y_ij > 0, else 0.
// Shapes: pred, expected, dpred [rows, cols]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl.
// Numerics: the derivative at the kink is 0; for targets -1 and 1 the product is exact and the side of the kink too.
// Source: C. Cortes and V. Vapnik, "Support-Vector Networks", Machine Learning 20 (1995).
//#include lib/element_loss_rows.wgsl
//#include lib/hinge_element.wgsl

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

const MEAN: bool = true;

fn element(y: f32, t: f32) -> ElementLoss {
    return hinge_element(y, t);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    element_loss_rows(group, groups, local);
}
