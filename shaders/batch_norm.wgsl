// batch_norm: y_ij = (x_ij - mean_j) / sqrt(variance_j + eps) * weight_j + bias_j, element by element: mean and variance are the
// batch's in training, the running ones in use.
// Shapes: x, y [rows, cols]; mean, variance, weight, bias [cols]. No sums. Numerics: inverseSqrt within 2 ULP.
// Source: as batch_moments.
//#include lib/arithmetic.wgsl
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.rows * params.cols) {
        let j = i % params.cols;
        let xhat = (x[i] - mean[j]) * inverse_root(variance[j] + params.eps);
        y[i] = mul_add(xhat, weight[j], bias[j]);
    }
}
