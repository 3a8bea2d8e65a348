// matmul_col_sum: dw = dyᵀ · x and db = column sums of dy; both gradients of a dense layer's parameters in one pass over dy.
// Shapes: dy [k, m], x [k, n], dw [m, n], db [m]. Here k is the number of samples, m that of the layer's outputs and n that
// of its inputs.
// Order of sums: rising k, one product (for db, one number) after the other.
// Numerics: dw within gamma(k) * sum|dy||x|, db within gamma(k) * sum|dy|.
// Source: as matmul.
//#include lib/matmul_tile.wgsl
//#include lib/rows_in_order.wgsl
//#include lib/weight_grad.wgsl

const TRANS_A: bool = true;
const TRANS_B: bool = false;
const ROW_SUMS: bool = true;
const ACTIVATES: bool = false;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Word>;
@group(0) @binding(2) var<storage, read> x: array<Word>;
@group(0) @binding(3) var<storage, read_write> dw: array<Word>;
@group(0) @binding(4) var<storage, read_write> db: array<Word>;
