// batch_norm_grad: with xhat of batch_norm and rstd = 1 / sqrt(variance + eps), over the first counted[0] rows
// dx_ij = weight_j rstd_j ((dy_ij - mean_j(dy)) - xhat_ij mean_j(dy xhat)); where mean and variance are constants (the running
// ones, BATCH = 0) dx_ij = weight_j rstd_j dy_ij in all rows. each_ij = dy_ij xhat_ij, whose column sums are the gradient of
// weight (those of dy are the bias's). Rows that fill a batch up leave 0.
// Shapes: dy, x, dx, each [rows, cols]; mean, variance, weight [cols]; counted [1].
// Order of sums: one invocation a column, rising row. Numerics: as batch_norm; gamma of the rows' sums.
// Source: as batch_moments.
//#include lib/arithmetic.wgsl
//#include lib/elementwise.wgsl

// Do mean and variance depend on x?
override BATCH: bool = true;

struct Params {
    rows: u32,
    cols: u32,
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> variance: array<f32>;
@group(0) @binding(5) var<storage, read> counted: array<u32>;
@group(0) @binding(6) var<storage, read> weight: array<f32>;
@group(0) @binding(7) var<storage, read_write> dx: array<f32>;
@group(0) @binding(8) var<storage, read_write> each: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let col = element_index(group, groups, local);
    if (col >= params.cols) {
        return;
    }
    let mean_x = mean[col];
    let rstd = inverse_root(variance[col] + params.eps);
    if (!BATCH) {
        for (var row = 0u; row < params.rows; row++) {
            let i = row * params.cols + col;
            dx[i] = weight[col] * rstd * dy[i];
            each[i] = dy[i] * ((x[i] - mean_x) * rstd);
        }
        return;
    }
    let n = counted[0];
    var sum = 0.0;
    var product = 0.0;
    for (var row = 0u; row < n; row++) {
        let i = row * params.cols + col;
        sum += dy[i];
        product = mul_add(dy[i], (x[i] - mean_x) * rstd, product);
    }
    let mean_dy = quotient(sum, f32(n));
    let mean_product = quotient(product, f32(n));
    for (var row = 0u; row < n; row++) {
        let i = row * params.cols + col;
        let xhat = (x[i] - mean_x) * rstd;
        dx[i] = weight[col] * rstd * mul_add(-xhat, mean_product, dy[i] - mean_dy);
        each[i] = dy[i] * xhat;
    }
    for (var row = n; row < params.rows; row++) {
        dx[row * params.cols + col] = 0.0;
        each[row * params.cols + col] = 0.0;
    }
}
