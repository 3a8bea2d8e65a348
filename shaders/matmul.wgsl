// matmul: y = op(a) · op(b), where op transposes if TRANS_A or TRANS_B says so.
// Shapes: y [m, n]; a [m, k] or, transposed, [k, m]; b [k, n] or, transposed, [n, k].
// Order of sums: rising k, one product after the other (see lib/matmul_tile.wgsl).
// Numerics: error within gamma(k) * sum|a||b|, whether or not multiply and add are contracted.
// Source: Golub and Van Loan, "Matrix Computations", 4th edition, section 1.3 (blocked products).
//#include lib/matmul_tile.wgsl

override TRANS_A: bool = false;
override TRANS_B: bool = false;

struct Params {
    m: u32,
    n: u32,
    k: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn a_at(i: u32) -> f32 {
    return a[i];
}

fn b_at(i: u32) -> f32 {
    return b[i];
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
                y[row * params.n + col] = block.sums[i][j];
            }
        }
    }
}
