// gather_matmul_bias_act: z = data[index] · wᵀ + b, y = activation(z); the first dense layer, its batch read where the data lie.
// Shapes: x [any, k] the data set, index [steps, index_stride], of which this step's row has m rows of x; w [n, k], b [n],
// y [m, n]; z [m, n], written only if KEEP_Z is set.
// Order of sums: rising k, then the bias.
// Numerics: as matmul_bias_act: gathering rounds nothing.
// Source: as matmul_bias_act and gather_rows.
//#include lib/matmul_tile.wgsl
//#include lib/rows_by_index.wgsl
//#include lib/bias_act.wgsl

override KEEP_Z: bool = false;
const TRANS_A: bool = false;
const TRANS_B: bool = true;
const ROW_SUMS: bool = false;
const ACTIVATES: bool = true;
const B_INDEXED: bool = false;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    index_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<Word>;
@group(0) @binding(4) var<storage, read> w: array<Word>;
@group(0) @binding(5) var<storage, read> b: array<Word>;
@group(0) @binding(6) var<storage, read_write> y: array<Word>;
@group(0) @binding(7) var<storage, read_write> z: array<Word>;

fn a_line(i: u32) -> u32 {
    return indexed_row(i);
}

fn b_line(i: u32) -> u32 {
    return i;
}
