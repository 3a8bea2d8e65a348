// layer_norm: y_ij = xhat_ij * weight_k + bias_k, xhat_ij = (x_ij - mean_i) / sqrt(variance_i + eps), over each row. A sample is
// groups rows one after the other, k = (i mod groups) * cols + j; without AFFINE weight is 1 and bias 0.
// Shapes: x, y [rows, cols], weight, bias [groups * cols]. The variance is that of the row's cols numbers (divided by cols).
// Order of sums: lib/row.wgsl. Numerics: lib/row_moments.wgsl; gamma of a row's sums, inverseSqrt within 2 ULP.
// Source: J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization" (2016); PyTorch's nn.LayerNorm.

struct Params {
    rows: u32,
    cols: u32,
    eps: f32,
    groups: u32,
    start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

//#include lib/row_moments.wgsl
//#include lib/row_scale.wgsl

fn bias_of(feature: u32) -> f32 {
    if (AFFINE) {
        return bias[feature];
    }
    return 0.0;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_of(group, groups, local);
    let cols = select(0u, params.cols, row < params.rows);
    let base = row * params.cols;
    let first = first_feature(row);
    let m = row_moments(base, cols, local);
    for (var j = local % LANES; j < cols; j += LANES) {
        y[base + j] = mul_add((x[base + j] - m.mean) * m.rstd, weight_of(first + j), bias_of(first + j));
    }
}
