// binary_cross_entropy: loss_i = mean_j -(t_ij log p_ij + (1 - t_ij) log(1 - p_ij)), with pred = p in [0, 1];
// dpred_ij = upstream_i / cols * (p_ij - t_ij) / max(p_ij (1 - p_ij), 1e-12).
// Shapes: pred, expected, dpred [rows, cols]; upstream [steps, upstream_stride] or [rows]; loss [rows].
// Order of sums: over the columns of a row, see lib/loss.wgsl.
// Numerics: logs are clamped at -100, so that p = 0 and p = 1 give a finite loss. log p near 1 is -log1p((1 - p) / p),
// where 1 - p is exact; log(1 - p) near 0 is -log1p(p / (1 - p)). A p outside [0, 1], tested by bits, gives NaN.
// Below the smallest normal number p counts as 0, since adapters may flush it.
// Source: PyTorch, torch.nn.BCELoss (the clamp of the logs and of the denominator).
//#include lib/element_loss_rows.wgsl
//#include lib/binary_cross_entropy_element.wgsl

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

fn element(p: f32, t: f32) -> ElementLoss {
    return binary_cross_entropy_element(p, t);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    element_loss_rows(group, groups, local);
}
