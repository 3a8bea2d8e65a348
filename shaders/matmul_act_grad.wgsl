// matmul_act_grad: dx = (dy · w) * activation'(saved); the gradient through a dense layer and the activation before it.
// Shapes: dy [m, k], w [k, n], saved [m, n] (the activation's input; its output for relu and leaky_relu), dx [m, n].
// Here k is the number of the layer's outputs and n that of its inputs.
// Order of sums: rising k, then the product with the derivative.
// Numerics: the product's error is within gamma(k) * sum|dy||w|; the derivative's is stated in lib/activation.wgsl.
// Source: as matmul; the chain rule.
//#include lib/matmul_tile.wgsl
//#include lib/rows_in_order.wgsl

const TRANS_A: bool = false;
const TRANS_B: bool = false;
const ROW_SUMS: bool = false;
const ACTIVATES: bool = true;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Word>;
@group(0) @binding(2) var<storage, read> w: array<Word>;
@group(0) @binding(3) var<storage, read> saved: array<Word>;
@group(0) @binding(4) var<storage, read_write> dx: array<Word>;

fn a_word(i: u32) -> Word {
    return dy[i];
}

fn b_word(i: u32) -> Word {
    return w[i];
}

fn store(at: u32, sum: Word) {
    dx[at] = sum;
}

fn stored(at: u32) -> Word {
    return dx[at];
}

fn put(row: u32, col: u32, sum: Word) {
    let at = word_at(row * params.n + col);
    dx[at] = sum * derivative_word(saved[at]);
}

fn put_row_sums(row: u32, sums: Word) {}
