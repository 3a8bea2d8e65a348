// gather_matmul_col_sum: dw = dyᵀ · data[index] and db = column sums of dy; the gradients of the first dense layer's
// parameters, its batch read where the data lie.
// Shapes: dy [k, m], x [any, n] the data set, index [steps, index_stride], of which this step's row has k rows of x;
// dw [m, n], db [m].
// Order of sums: rising k, one product (for db, one number) after the other.
// Numerics: as matmul_col_sum: gathering rounds nothing.
// Source: as matmul_col_sum and gather_rows.
//#include lib/matmul_tile.wgsl
//#include lib/rows_by_index.wgsl
//#include lib/weight_grad.wgsl

const TRANS_A: bool = true;
const TRANS_B: bool = false;
const ROW_SUMS: bool = true;
const ACTIVATES: bool = false;
const B_INDEXED: bool = true;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    index_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> step: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read> dy: array<Word>;
@group(0) @binding(4) var<storage, read> x: array<Word>;
@group(0) @binding(5) var<storage, read_write> dw: array<Word>;
@group(0) @binding(6) var<storage, read_write> db: array<Word>;

fn a_line(i: u32) -> u32 {
    return i;
}

fn b_line(i: u32) -> u32 {
    return indexed_row(i);
}
