// softmax_grad: dx_ij = p_ij * ((dy_ij - dy_ik) - s_i), s_i = sum_j p_ij (dy_ij - dy_ik), k the first maximum of row
// i of p; equal to p_ij * (dy_ij - sum_j p_ij dy_ij), because a row of p sums to 1.
// Shapes: dy, p, dx [rows, cols], row-major; p is the output of softmax.
// Order of sums: lib/row.wgsl.
// Numerics: where p_ik is close to 1, sum_j p_ij dy_ij is close to dy_ik and the plain difference loses all digits.
// Shifted by dy_ik, the large term of the sum is exactly 0.
// Source: as softmax; the shift is ours.
//#include lib/row.wgsl

struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

var<workgroup> row_column: array<u32, ROW_GROUP>;

// The column of the largest value over the lanes of a row, the first of equals. Every invocation of the workgroup must call this.
fn row_argmax(value: f32, column: u32, local: u32) -> u32 {
    if (LANES == 1u) {
        return column;
    }
    row_partial[local] = value;
    row_column[local] = column;
    workgroupBarrier();
    for (var width = ROW_GROUP / 2u; width > 0u; width = width / 2u) {
        if (local < width) {
            let a = row_partial[local];
            let b = row_partial[local + width];
            if (b > a || (b == a && row_column[local + width] < row_column[local])) {
                row_partial[local] = b;
                row_column[local] = row_column[local + width];
            }
        }
        workgroupBarrier();
    }
    return row_column[0];
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
    let k = row_argmax(largest, column, local);
    // The index is clamped for rows out of range, which read but never use the value.
    let shift = dy[min(base + k, params.rows * params.cols - 1u)];

    var sum = 0.0;
    for (var j = lane; j < cols; j = j + LANES) {
        sum = sum + p[base + j] * (dy[base + j] - shift);
    }
    let total = row_sum(sum, local);

    for (var j = lane; j < cols; j = j + LANES) {
        dx[base + j] = p[base + j] * ((dy[base + j] - shift) - total);
    }
}
