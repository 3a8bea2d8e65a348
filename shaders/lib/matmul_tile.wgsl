// One workgroup of SIDE x SIDE invocations computes a square tile of op(a) · op(b), 4 SIDE wide; each invocation a 4 x 4 block.
// Slices of 16 along k pass through workgroup memory. Rows, columns and slices past the edge load as zero.
// Order of sums: each output adds its k products one by one in rising k.
//
// With DIRECT the slices do not pass through workgroup memory: every invocation loads what it needs. That is faster where
// workgroup memory is ordinary memory and a barrier is a switch of coroutines: on software rasterisers.
//
// The including shader declares `params` with m, n, k, the constants TRANS_A and TRANS_B (is the operand stored
// transposed?) and ROW_SUMS (are the sums of op(a)'s rows wanted?), and `a_word(i)`, `b_word(i)`, which load an element of
// the operands by its flat index; `a_line` and `b_line` say which row that is (rows_in_order.wgsl, rows_by_index.wgsl);
// `put` and `put_row_sums` take the results. matmul_broadcast.wgsl is another text with the
// same interface.
//#include grid.wgsl
//#include activation_word.wgsl
override DIRECT: bool = false;
// Invocations on a side of the workgroup: 4 where larger tiles would be too few, 16 where there are many.
override SIDE: u32 = 8u;
override TILE: u32 = 4u * SIDE;
override INVOCATIONS: u32 = SIDE * SIDE;
override STAGED: u32 = SLICE * TILE;
const SLICE: u32 = 16u;
const BLOCK: u32 = 4u;

var<workgroup> tile_a: array<f32, STAGED>; // [SLICE][TILE]: tile_a[kk * TILE + row]
var<workgroup> tile_b: array<f32, STAGED>; // [SLICE][TILE]: tile_b[kk * TILE + col]

// Sums of one invocation: rows row .. row + 3, columns col .. col + 3.
struct Block {
    sums: array<vec4<f32>, 4>,
    row_sums: vec4<f32>,
    row: u32,
    col: u32,
}

fn load_a(e: u32, row0: u32, k0: u32) {
    // Neighbouring invocations read neighbouring addresses, whichever way the operand is stored.
    let row = select(e / SLICE, e % TILE, TRANS_A);
    let kk = select(e % SLICE, e / TILE, TRANS_A);
    let r = row0 + row;
    let q = k0 + kk;
    var v = 0.0;
    if (r < params.m && q < params.k) {
        v = a_word(select(a_line(r) * params.k + q, q * params.m + r, TRANS_A));
    }
    tile_a[kk * TILE + row] = v;
}

fn load_b(e: u32, col0: u32, k0: u32) {
    let col = select(e % TILE, e / SLICE, TRANS_B);
    let kk = select(e / TILE, e % SLICE, TRANS_B);
    let c = col0 + col;
    let q = k0 + kk;
    var v = 0.0;
    if (c < params.n && q < params.k) {
        v = b_word(select(b_line(q) * params.n + c, c * params.k + q, TRANS_B));
    }
    tile_b[kk * TILE + col] = v;
}

// `index` is the tile's number, counted along the rows of tiles; it must be below the number of tiles.
fn multiply_tile(index: u32, local: u32) -> Block {
    let tiles_n = (params.n + TILE - 1u) / TILE;
    let row0 = (index / tiles_n) * TILE;
    let col0 = (index % tiles_n) * TILE;
    let row = (local / SIDE) * BLOCK;
    let col = (local % SIDE) * BLOCK;
    if (DIRECT) {
        return multiply_direct(row0 + row, col0 + col);
    }
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    var row_sums = vec4<f32>();
    for (var k0 = 0u; k0 < params.k; k0 += SLICE) {
        for (var e = local; e < TILE * SLICE; e += INVOCATIONS) {
            load_a(e, row0, k0);
            load_b(e, col0, k0);
        }
        workgroupBarrier();
        for (var kk = 0u; kk < SLICE; kk++) {
            let ia = kk * TILE + row;
            let ib = kk * TILE + col;
            let vb = vec4<f32>(tile_b[ib], tile_b[ib + 1u], tile_b[ib + 2u], tile_b[ib + 3u]);
            s0 = mul_add4(vec4<f32>(tile_a[ia]), vb, s0);
            s1 = mul_add4(vec4<f32>(tile_a[ia + 1u]), vb, s1);
            s2 = mul_add4(vec4<f32>(tile_a[ia + 2u]), vb, s2);
            s3 = mul_add4(vec4<f32>(tile_a[ia + 3u]), vb, s3);
            if (ROW_SUMS) {
                row_sums += vec4<f32>(tile_a[ia], tile_a[ia + 1u], tile_a[ia + 2u], tile_a[ia + 3u]);
            }
        }
        workgroupBarrier();
    }
    return Block(array<vec4<f32>, 4>(s0, s1, s2, s3), row_sums, row0 + row, col0 + col);
}

// The block at row, col without workgroup memory. Rows and columns past the edge repeat the last one: their sums are
// never stored, and the loop needs no branch.
fn multiply_direct(row: u32, col: u32) -> Block {
    let lanes = vec4<u32>(0u, 1u, 2u, 3u);
    var rows = min(row + lanes, vec4<u32>(params.m - 1u));
    if (!TRANS_A) {
        rows = vec4<u32>(a_line(rows.x), a_line(rows.y), a_line(rows.z), a_line(rows.w));
    }
    let cols = min(col + lanes, vec4<u32>(params.n - 1u));
    var ia = select(rows * params.k, rows, TRANS_A);
    var ib = select(cols, cols * params.k, TRANS_B);
    let step_a = select(1u, params.m, TRANS_A);
    let step_b = select(params.n, 1u, TRANS_B);
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    var s2 = vec4<f32>();
    var s3 = vec4<f32>();
    var row_sums = vec4<f32>();
    for (var q = 0u; q < params.k; q++) {
        if (B_INDEXED) {
            ib = b_line(q) * params.n + cols;
        }
        let vb = vec4<f32>(b_word(ib.x), b_word(ib.y), b_word(ib.z), b_word(ib.w));
        let va = vec4<f32>(a_word(ia.x), a_word(ia.y), a_word(ia.z), a_word(ia.w));
        s0 = mul_add4(vec4<f32>(va.x), vb, s0);
        s1 = mul_add4(vec4<f32>(va.y), vb, s1);
        s2 = mul_add4(vec4<f32>(va.z), vb, s2);
        s3 = mul_add4(vec4<f32>(va.w), vb, s3);
        if (ROW_SUMS) {
            row_sums += va;
        }
        ia += step_a;
        ib += step_b;
    }
    return Block(array<vec4<f32>, 4>(s0, s1, s2, s3), row_sums, row, col);
}

fn tile_count() -> u32 {
    return ((params.m + TILE - 1u) / TILE) * ((params.n + TILE - 1u) / TILE);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = group_index(group, groups);
    if (index >= tile_count()) {
        return;
    }
    begin_rows();
    let block = multiply_tile(index, local);
    for (var i = 0u; i < BLOCK; i++) {
        for (var j = 0u; j < BLOCK; j++) {
            let row = block.row + i;
            let col = block.col + j;
            if (row < params.m && col < params.n) {
                put(row, col, block.sums[i][j]);
            }
        }
        // The first column of invocations of the first column of tiles has each row once.
        if (ROW_SUMS && block.col == 0u && block.row + i < params.m) {
            put_row_sums(block.row + i, block.row_sums[i]);
        }
    }
}
