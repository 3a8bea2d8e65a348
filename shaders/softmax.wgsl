// softmax: y_ij = exp(x_ij - m_i) / sum_k exp(x_ik - m_i), m_i = max_k x_ik.
// Shapes: x, y [rows, cols], row-major.
// Order of sums: LANES = 1: one invocation a row, columns ascending. LANES = 64: one workgroup a row; a lane adds
// the columns lane, lane + 64, ... ascending, then the 64 partial sums go up a fixed binary tree.
// Numerics: the largest element of a row has exp(0) = 1, so that the sum is at least 1 and nothing overflows.
// Source: J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990); the
// shift: P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions",
// IMA Journal of Numerical Analysis 41 (2021).
//#include lib/grid.wgsl
//#include lib/math.wgsl

// Invocations a row: 1 or 64.
override LANES: u32 = 1u;
const WORKGROUP: u32 = 64u;

struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, WORKGROUP>;

// The largest value over the lanes of a row. Called from uniform control flow only.
fn row_max(lane: u32, value: f32) -> f32 {
    if (LANES == 1u) {
        return value;
    }
    partial[lane] = value;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            partial[lane] = max(partial[lane], partial[lane + half]);
        }
        workgroupBarrier();
    }
    let result = partial[0];
    workgroupBarrier();
    return result;
}

// The sum over the lanes of a row. Called from uniform control flow only.
fn row_sum(lane: u32, value: f32) -> f32 {
    if (LANES == 1u) {
        return value;
    }
    partial[lane] = value;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            partial[lane] = partial[lane] + partial[lane + half];
        }
        workgroupBarrier();
    }
    let result = partial[0];
    workgroupBarrier();
    return result;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group_index(group, groups) * (WORKGROUP / LANES) + local / LANES;
    let lane = local % LANES;
    // A row out of range has no columns: its invocations still meet every barrier.
    let cols = select(0u, params.cols, row < params.rows);
    let base = row * params.cols;

    var largest = -3.4028234e38;
    for (var j = lane; j < cols; j = j + LANES) {
        largest = max(largest, x[base + j]);
    }
    let shift = row_max(lane, largest);

    var sum = 0.0;
    for (var j = lane; j < cols; j = j + LANES) {
        let e = exp_safe(x[base + j] - shift);
        sum = sum + e;
        // Kept in the output for the division below.
        y[base + j] = e;
    }
    let total = row_sum(lane, sum);

    for (var j = lane; j < cols; j = j + LANES) {
        y[base + j] = y[base + j] / total;
    }
}
