// element_loss: a loss that treats each output by itself, loss_i = the mean (or sum) over j of loss(y_ij, t_ij), and
// dpred_ij = upstream_i / cols * d loss(y_ij, t_ij) / d y_ij. The kernel's name is that of its formula in lib/loss/.
// Shapes: pred, expected, dpred [rows, cols]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl.
// Numerics and source: with the formula.
//#include lib/element_loss.wgsl
//#include lib/loss_bindings.wgsl
//#include formula

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

fn expected_at(i: u32) -> f32 {
    return expected[i];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = row_lane(group, groups, local);
    let inside = at.row < params.rows;
    var partial = 0.0;
    if (inside) {
        partial = element_loss_lane(at, params.cols, row_upstream(at.row));
    }
    let total = row_sum(partial, local);
    if (inside && at.lane == 0u) {
        loss[at.row] = element_loss_mean(total, params.cols);
    }
}
