// join_columns: y = [a | b], row by row.
// Shapes: a [rows, cols_a], b [rows, cols_b], y [rows, cols_a + cols_b]. No sums.
// A product whose second operand is larger than a binding is computed in blocks of columns; this puts two together.
// Numerics: bits are copied.
// Source: none needed.
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols_a: u32,
    cols_b: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    let cols = params.cols_a + params.cols_b;
    if (i >= params.rows * cols) {
        return;
    }
    let row = i / cols;
    let col = i % cols;
    if (col < params.cols_a) {
        y[i] = a[row * params.cols_a + col];
    } else {
        y[i] = b[row * params.cols_b + col - params.cols_a];
    }
}
