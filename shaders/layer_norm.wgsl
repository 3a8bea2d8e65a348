// layer_norm: y_ij = xhat_ij * weight_j + bias_j, xhat_ij = (x_ij - mean_i) / sqrt(variance_i + eps), over each row.
// Shapes: x, y [rows, cols], weight, bias [cols]. The variance is that of the row's cols numbers (divided by cols).
// Order of sums: lib/row.wgsl. Numerics: lib/row_moments.wgsl; gamma of a row's sums, inverseSqrt within 2 ULP.
// Source: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization" (2016); PyTorch's nn.LayerNorm.

struct Params {
    rows: u32,
    cols: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

//#include lib/row_moments.wgsl

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_of(group, groups, local);
    let cols = select(0u, params.cols, row < params.rows);
    let base = row * params.cols;
    let m = row_moments(base, cols, local);
    for (var j = local % LANES; j < cols; j += LANES) {
        y[base + j] = mul_add((x[base + j] - m.mean) * m.rstd, weight[j], bias[j]);
    }
}
