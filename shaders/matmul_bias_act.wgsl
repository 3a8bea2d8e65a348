// matmul_bias_act: z = x · wᵀ + b, y = activation(z); a dense layer forward in one pass.
// Shapes: x [m, k], w [n, k], b [n], y [m, n]; z [m, n], written only if KEEP_Z is set (the backward pass needs it).
// Order of sums: rising k, then the bias.
// Numerics: z within gamma(k + 1) * (sum|x||w| + |b|); the activation's own error is stated in lib/activation.wgsl.
// Source: as matmul; weights are [outputs, inputs] as in PyTorch's nn.Linear.
//#include lib/matmul_tile.wgsl
//#include lib/activation.wgsl

override KEEP_Z: bool = false;
const TRANS_A: bool = false;
const TRANS_B: bool = true;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> z: array<f32>;

fn a_at(i: u32) -> f32 {
    return x[i];
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
                let value = block.sums[i][j] + b[col];
                y[row * params.n + col] = activate(value);
                if (KEEP_Z) {
                    z[row * params.n + col] = value;
                }
            }
        }
    }
}
