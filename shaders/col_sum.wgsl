// col_sum: y[part, c] = sum over the part's rows of x[row, c]; a bias gradient is the sum of a batch's rows.
// Shapes: x [rows, cols], y [ceil(rows / rows_per_sum), cols]. Long columns take further passes over y.
// Order of sums: rising row within a part, then rising part: fixed, whatever the adapter.
// Numerics: gamma(rows_per_sum) * sum|x| for a pass.
// Source: Higham, "Accuracy and Stability of Numerical Algorithms", section 4.2 (blocked summation).
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
    rows_per_sum: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    let parts = (params.rows + params.rows_per_sum - 1u) / params.rows_per_sum;
    if (i >= parts * params.cols) {
        return;
    }
    let col = i % params.cols;
    let first = (i / params.cols) * params.rows_per_sum;
    let last = min(first + params.rows_per_sum, params.rows);
    var total = 0.0;
    for (var row = first; row < last; row++) {
        total += x[row * params.cols + col];
    }
    y[i] = total;
}
