// cross_entropy: loss_i = -log softmax(z_i)[t_i], with pred = z the logits and expected = t the class;
// dpred_ij = upstream_i * (softmax(z_i)[j] - [j = t_i]).
// With label smoothing s (SMOOTHING) the target is (1 - s) [j = t_i] + s / cols in the place of [j = t_i], and
// loss_i = -sum_j target_ij log softmax(z_i)[j].
// Shapes: pred, dpred [rows, cols]; expected [rows]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl; the largest logit and the class are left out of the sum
// and added last.
// Numerics: with m the first maximum, at k, loss = log1p(sum over j != k of exp(z_j - m)) + (m - z_t). The gradient at
// the class is minus the sum over the others divided by the whole, so that both keep full relative precision where
// the class's probability rounds to 1. With smoothing, loss = log1p(..) + (1 - s) (m - z_t) + s mean_j(m - z_j), of which no
// term is negative, and -s / cols (at the class s - s / cols) is added to the gradient. A class index out of range, a NaN and an
// infinite maximum give NaN.
// Source: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA J. Numer. Anal. 41 (2021); C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), section 7.
//#include lib/class_loss.wgsl
//#include lib/loss_bindings.wgsl

struct Params {
    rows: u32,
    cols: u32,
    upstream_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> pred: array<f32>;
@group(0) @binding(3) var<storage, read> expected: array<u32>;
@group(0) @binding(4) var<storage, read> upstream: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<f32>;
@group(0) @binding(6) var<storage, read_write> dpred: array<f32>;

fn class_at(row: u32) -> u32 {
    return expected[row];
}

fn set_loss(row: u32, value: f32) {
    loss[row] = value;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = row_lane(group, groups, local);
    class_loss_row(at, at.row < params.rows, params.cols, local);
}
