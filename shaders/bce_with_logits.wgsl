// bce_with_logits: loss_i = mean_j (1 - t_ij) softplus(z_ij) + t_ij softplus(-z_ij), with pred = z the logits;
// dpred_ij = upstream_i / cols * ((1 - t_ij) s(z_ij) - t_ij s(-z_ij)), s the sigmoid.
// Shapes: pred, expected, dpred [rows, cols]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl.
// Numerics: softplus(z) = max(z, 0) + log1p(exp(-|z|)): exp never overflows; for t in [0, 1] both terms of the loss are
// positive, so it keeps full relative precision where max(z, 0) - z t + log1p(exp(-|z|)) cancels. s(-z) is computed by
// itself: 1 - s(z) loses all digits where s(z) rounds to 1.
// Source: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA J. Numer. Anal. 41 (2021), for two terms; PyTorch, torch.nn.BCEWithLogitsLoss (the definition).
//#include lib/element_loss_rows.wgsl
//#include lib/bce_with_logits_element.wgsl

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

fn element(z: f32, t: f32) -> ElementLoss {
    return bce_with_logits_element(z, t);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    element_loss_rows(group, groups, local);
}
