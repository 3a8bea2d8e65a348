// matmul: y = op(a) · op(b), where op transposes if TRANS_A or TRANS_B says so.
// Shapes: y [m, n]; a [m, k] or, transposed, [k, m]; b [k, n] or, transposed, [n, k].
// Order of sums: rising k, one product after the other (see lib/matmul_tile.wgsl).
// Numerics: error within gamma(k) * sum|a||b|, whether or not multiply and add are contracted.
// Source: Golub and Van Loan, "Matrix Computations", 4th edition, section 1.3 (blocked products).
//#include lib/matmul_tile.wgsl
//#include lib/rows_in_order.wgsl

override TRANS_A: bool = false;
override TRANS_B: bool = false;
const ROW_SUMS: bool = false;
const ACTIVATES: bool = false;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Word>;
@group(0) @binding(2) var<storage, read> b: array<Word>;
@group(0) @binding(3) var<storage, read_write> y: array<Word>;

fn a_word(i: u32) -> Word {
    return a[i];
}

fn b_word(i: u32) -> Word {
    return b[i];
}

fn store(at: u32, sum: Word) {
    y[at] = sum;
}

fn stored(at: u32) -> Word {
    return y[at];
}

fn put(row: u32, col: u32, sum: Word) {
    store(word_at(row * params.n + col), sum);
}

fn put_row_sums(row: u32, sums: Word) {}
