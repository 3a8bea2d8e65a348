// layer_norm_grad: with g_ij = weight_k dy_ij, xhat and k of layer_norm, dx_ij = rstd_i ((g_ij - mean_i(g)) - xhat_ij mean_i(g xhat));
// each_ij = dy_ij xhat_ij, whose sums over the samples are the gradient of weight (those of dy are the bias's).
// Shapes: dy, x, dx, each [rows, cols], weight [groups * cols]. Moments are computed again instead of kept.
// Order of sums: lib/row.wgsl. Numerics: as layer_norm; a row whose dy is 0 leaves exactly 0.
// Source: as layer_norm; the gradient by the chain rule.

struct Params {
    rows: u32,
    cols: u32,
    eps: f32,
    groups: u32,
    start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> each: array<f32>;

//#include lib/row_moments.wgsl
//#include lib/row_scale.wgsl

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
    var sum = 0.0;
    var product = 0.0;
    for (var j = local % LANES; j < cols; j += LANES) {
        let g = weight_of(first + j) * dy[base + j];
        sum = mul_add(weight_of(first + j), dy[base + j], sum);
        product = mul_add(g, (x[base + j] - m.mean) * m.rstd, product);
    }
    let mean_g = quotient(row_sum(sum, local), f32(params.cols));
    let mean_product = quotient(row_sum(product, local), f32(params.cols));
    for (var j = local % LANES; j < cols; j += LANES) {
        let xhat = (x[base + j] - m.mean) * m.rstd;
        dx[base + j] = m.rstd * mul_add(-xhat, mean_product, mul_add(weight_of(first + j), dy[base + j], -mean_g));
        each[base + j] = dy[base + j] * xhat;
    }
}
