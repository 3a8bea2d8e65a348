// matmul_act_grad: dx = (dy · w) * activation'(saved); the gradient through a dense layer and the activation before it.
// Shapes: dy [m, k], w [k, n], saved [m, n] (the activation's input; its output for relu and leaky_relu), dx [m, n].
// Here k is the number of the layer's outputs and n that of its inputs.
// Order of sums: rising k, then the product with the derivative.
// Numerics: the product's error is within gamma(k) * sum|dy||w|; the derivative's is stated in lib/activation.wgsl.
// Source: as matmul; the chain rule.
//#include lib/matmul_tile.wgsl
//#include lib/activation.wgsl

const TRANS_A: bool = false;
const TRANS_B: bool = false;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> saved: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

fn a_at(i: u32) -> f32 {
    return dy[i];
}

fn b_at(i: u32) -> f32 {
    return w[i];
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = group_index(group, groups);
    if (index >= tile_count()) {
        return;
    }
    let block = multiply_tile(index, local);
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let row = block.row + i;
            let col = block.col + j;
            if (row < params.m && col < params.n) {
                let at = row * params.n + col;
                dx[at] = block.sums[i][j] * activate_derivative(saved[at]);
            }
        }
    }
}
