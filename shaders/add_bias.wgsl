// add_bias: y[i, j] = x[i, j] + b[j].
// Shapes: x, y [rows, cols], b [cols]. No sums beyond the one.
// Numerics: one rounding.
// Source: none needed. Used where the sum is not part of a matrix product's epilogue.
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i < params.rows * params.cols) {
        y[i] = x[i] + b[i % params.cols];
    }
}
