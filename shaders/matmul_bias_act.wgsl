// matmul_bias_act: z = x · wᵀ + b, y = activation(z); a dense layer forward in one pass.
// Shapes: x [m, k], w [n, k], b [n], y [m, n]; z [m, n], written only if KEEP_Z is set (the backward pass needs it).
// Order of sums: rising k, then the bias.
// Numerics: z within gamma(k + 1) * (sum|x||w| + |b|); the activation's own error is stated in lib/activation.wgsl.
// Source: as matmul; weights are [outputs, inputs] as in PyTorch's nn.Linear.
//#include lib/matmul_tile.wgsl
//#include lib/rows_in_order.wgsl
//#include lib/bias_act.wgsl

override KEEP_Z: bool = false;
const TRANS_A: bool = false;
const TRANS_B: bool = true;
const ROW_SUMS: bool = false;
const ACTIVATES: bool = true;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Word>;
@group(0) @binding(2) var<storage, read> w: array<Word>;
@group(0) @binding(3) var<storage, read> b: array<Word>;
@group(0) @binding(4) var<storage, read_write> y: array<Word>;
@group(0) @binding(5) var<storage, read_write> z: array<Word>;
