// softmax: y_ij = exp(x_ij - m_i) / sum_k exp(x_ik - m_i), m_i = max_k x_ik.
// Shapes: x, y [rows, cols], row-major.
// Order of sums: lib/row.wgsl.
// Numerics: the largest element of a row has exp(0) = 1, so that the sum is at least 1 and nothing overflows.
// Source: J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990); the
// shift: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA Journal of Numerical Analysis 41 (2021).
//#include lib/row.wgsl
//#include lib/math.wgsl

struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// The largest value over the lanes of a row. Every invocation of the workgroup must call this.
fn row_max(value: f32, local: u32) -> f32 {
    if (LANES == 1u) {
        return value;
    }
    row_partial[local] = value;
    workgroupBarrier();
    for (var width = ROW_GROUP / 2u; width > 0u; width = width / 2u) {
        if (local < width) {
            row_partial[local] = max(row_partial[local], row_partial[local + width]);
        }
        workgroupBarrier();
    }
    let largest = row_partial[0];
    // The sum writes where this one is read.
    workgroupBarrier();
    return largest;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = row_of(group, groups, local);
    let lane = local % LANES;
    // A row out of range has no columns: its invocations still meet every barrier.
    let cols = select(0u, params.cols, row < params.rows);
    let base = row * params.cols;

    var largest = -3.4028234e38;
    for (var j = lane; j < cols; j = j + LANES) {
        largest = max(largest, x[base + j]);
    }
    let shift = row_max(largest, local);

    var sum = 0.0;
    for (var j = lane; j < cols; j = j + LANES) {
        let e = exp_safe(x[base + j] - shift);
        sum = sum + e;
        // Kept in the output for the division below.
        y[base + j] = e;
    }
    let total = row_sum(sum, local);

    for (var j = lane; j < cols; j = j + LANES) {
        y[base + j] = y[base + j] / total;
    }
}
