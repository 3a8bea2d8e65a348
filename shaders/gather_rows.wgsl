// gather_rows: y[i, :] = data[index[i], :], with this step's row of the index table.
// Shapes: data [any, cols], index [steps, index_stride], y [rows, cols]. No sums.
// An invocation writes four elements, one after the other in y; a last word that reaches past y is filled up with 0.
// Numerics: words are copied as u32, so that numbers and classes share the kernel and every bit survives.
// Source: none needed. A shuffled batch is a gather by a shuffled table.
//#include lib/elementwise.wgsl

// Are rows multiples of four long? Then a word of y is a word of data.
override VEC: bool = false;

struct Params {
    rows: u32,
    cols: u32,
    index_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<u32>>;

// Where element i of y lies in data.
fn source(i: u32) -> u32 {
    let row = index[step[0] * params.index_stride + i / params.cols];
    return row * params.cols + i % params.cols;
}

fn element(i: u32) -> u32 {
    if (i >= params.rows * params.cols) {
        return 0u;
    }
    let at = source(i);
    return data[at / 4u][at % 4u];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = 4u * element_index(group, groups, local);
    if (first >= params.rows * params.cols) {
        return;
    }
    if (VEC) {
        y[first / 4u] = data[source(first) / 4u];
    } else {
        y[first / 4u] = vec4<u32>(element(first), element(first + 1u), element(first + 2u), element(first + 3u));
    }
}
