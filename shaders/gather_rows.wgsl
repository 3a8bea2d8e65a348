// gather_rows: y[i, :] = data[index[i], :], with this step's row of the index table.
// Shapes: data [any, cols], index [steps, index_stride], y [rows, cols]. No sums.
// Numerics: words are copied as u32, so that numbers and classes share the kernel and every bit survives.
// Source: none needed. A shuffled batch is a gather by a shuffled table.
//#include lib/elementwise.wgsl

struct Params {
    rows: u32,
    cols: u32,
    index_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = element_index(group, groups, local);
    if (i >= params.rows * params.cols) {
        return;
    }
    let row = index[step[0] * params.index_stride + i / params.cols];
    y[i] = data[row * params.cols + i % params.cols];
}
