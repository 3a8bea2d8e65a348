// softmax_grad: dx_ij = p_ij * ((dy_ij - dy_ik) - s_i), s_i = sum_j p_ij (dy_ij - dy_ik), k the first maximum of row
// i of p; equal to p_ij * (dy_ij - sum_j p_ij dy_ij), because a row of p sums to 1.
// Shapes: dy, p, dx [rows, cols], row-major; p is the output of softmax.
// Order of sums: as softmax.
// Numerics: where p_ik is close to 1, sum_j p_ij dy_ij is close to dy_ik and the plain difference loses all digits.
// Shifted by dy_ik, the large term of the sum is exactly 0.
// Source: as softmax; the shift is ours.
//#include lib/grid.wgsl

// Invocations a row: 1 or 64.
override LANES: u32 = 1u;
const WORKGROUP: u32 = 64u;

struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

var<workgroup> partial: array<f32, WORKGROUP>;
var<workgroup> position: array<u32, WORKGROUP>;

// The column of the largest value over the lanes of a row, the first of equals. Called from uniform control flow only.
fn row_argmax(lane: u32, value: f32, column: u32) -> u32 {
    if (LANES == 1u) {
        return column;
    }
    partial[lane] = value;
    position[lane] = column;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half = half / 2u) {
        if (lane < half) {
            let a = partial[lane];
            let b = partial[lane + half];
            if (b > a || (b == a && position[lane + half] < position[lane])) {
                partial[lane] = b;
                position[lane] = position[lane + half];
            }
        }
        workgroupBarrier();
    }
    let result = position[0];
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

    // Below every probability, so that a lane without columns never wins; column 0 stands in where all are NaN.
    var largest = -1.0;
    var column = 0u;
    for (var j = lane; j < cols; j = j + LANES) {
        let v = p[base + j];
        if (v > largest) {
            largest = v;
            column = j;
        }
    }
    let k = row_argmax(lane, largest, column);
    // The index is clamped for rows out of range, which read but never use the value.
    let shift = dy[min(base + k, params.rows * params.cols - 1u)];

    var sum = 0.0;
    for (var j = lane; j < cols; j = j + LANES) {
        sum = sum + p[base + j] * (dy[base + j] - shift);
    }
    let total = row_sum(lane, sum);

    for (var j = lane; j < cols; j = j + LANES) {
        dx[base + j] = p[base + j] * ((dy[base + j] - shift) - total);
    }
}
