// copy_window: y[r, c] = x[first + r * stride + c]: some columns of some rows, as a matrix of their own.
// Shapes: x at least first + (rows - 1) * stride + cols elements, y [rows, cols]. No sums.
// What is larger than a binding is worked on block by block; this makes a block that does not lie in one piece.
// Numerics: bits are copied.
// Source: none needed.
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
    stride: u32,
    first: u32,
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
    if (i < params.rows * params.cols) {
        y[i] = x[params.first + (i / params.cols) * params.stride + i % params.cols];
    }
}
