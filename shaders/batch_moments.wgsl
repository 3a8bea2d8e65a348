// batch_moments: mean and variance of each column of x over the first count rows, and the running statistics moved towards them:
// running_mean = (1 - momentum) running_mean + momentum mean, the same for running_var with the unbiased variance
// (divided by count - 1; a batch of one row has none and leaves running_var as it is).
// Shapes: x [rows, cols], count [steps], this step's number of rows that are samples (the others fill the batch up);
// mean, variance, running_mean, running_var [cols], counted [1], the number of rows for the gradient.
// Order of sums: one invocation a column, rising row. Numerics: the variance in two passes (lib/row_moments.wgsl says why).
// Source: S. Ioffe and C. Szegedy, "Batch normalization", ICML (2015); PyTorch's nn.BatchNorm1d.
//#include lib/arithmetic.wgsl
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
    momentum: f32,
    one_minus_momentum: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> variance: array<f32>;
@group(0) @binding(6) var<storage, read_write> counted: array<u32>;
@group(0) @binding(7) var<storage, read_write> running_mean: array<f32>;
@group(0) @binding(8) var<storage, read_write> running_var: array<f32>;

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
    let n = count[step[0]];
    var sum = 0.0;
    for (var row = 0u; row < n; row++) {
        sum += x[row * params.cols + col];
    }
    let mean_x = quotient(sum, f32(n));
    var squares = 0.0;
    for (var row = 0u; row < n; row++) {
        let distance = x[row * params.cols + col] - mean_x;
        squares = mul_add(distance, distance, squares);
    }
    mean[col] = mean_x;
    variance[col] = quotient(squares, f32(n));
    running_mean[col] = mul_add(params.one_minus_momentum, running_mean[col], params.momentum * mean_x);
    if (n > 1u) {
        let unbiased = quotient(squares, f32(n - 1u));
        running_var[col] = mul_add(params.one_minus_momentum, running_var[col], params.momentum * unbiased);
    }
    if (col == 0u) {
        counted[0] = n;
    }
}
