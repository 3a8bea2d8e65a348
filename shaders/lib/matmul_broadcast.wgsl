// A matrix product without workgroup memory: one subgroup of LANES invocations computes 4 BLOCKS rows by 4 LANES columns of
// op(a) · op(b). At each k a lane loads four values of a and four of b; the values of a go to all lanes by subgroupBroadcast.
// Of every load this makes 4 BLOCKS products a lane: where loads are slow, on software rasterisers, that is what counts.
//
// Order of sums: each output adds its k products one by one in rising k, as in matmul_tile.wgsl. The result does not depend
// on which lane does what; the plan takes this text only where the adapter fixes the subgroup size to LANES (4 or 8), and n
// is a multiple of 4. VEC_A and VEC_B say that the rows in which the operand is stored are multiples of 4 long, too.
//
// The including shader declares `params` with m, n, k, the constants TRANS_A, TRANS_B and ROW_SUMS, the loads `a_word` and
// `b_word`, the rows `a_line` and `b_line`, and takes the results by `put` and `put_row_sums`. If `put` does more than store (ACTIVATES), `store` and `stored`
// keep the bare sum in the place of the result.
//#include grid.wgsl
//#include activation_word4.wgsl
override LANES: u32 = 8u;
override BLOCKS: u32 = 8u;
override VEC_A: bool = false;
override VEC_B: bool = false;

// Sums of one lane: rows row0 .. row0 + 4 BLOCKS - 1, columns col .. col + 3.
alias Sums = array<vec4<f32>, 32>;

fn a_at(i: u32) -> f32 {
    return a_word(i / 4u)[i % 4u];
}

fn b_at(i: u32) -> f32 {
    return b_word(i / 4u)[i % 4u];
}

// Four rows of op(a) in column q.
fn load_a(row: vec4<u32>, q: u32) -> vec4<f32> {
    if (TRANS_A && VEC_A) {
        return a_word((q * params.m + row.x) / 4u);
    }
    let i = select(row * params.k + q, q * params.m + row, vec4<bool>(TRANS_A));
    return vec4<f32>(a_at(i.x), a_at(i.y), a_at(i.z), a_at(i.w));
}

// Four columns of op(b) in row q.
fn load_b(col: vec4<u32>, q: u32) -> vec4<f32> {
    if (!TRANS_B && VEC_B) {
        return b_word((q * params.n + col.x) / 4u);
    }
    let i = select(q * params.n + col, col * params.k + q, vec4<bool>(TRANS_B));
    return vec4<f32>(b_at(i.x), b_at(i.y), b_at(i.z), b_at(i.w));
}

// The rows of b that are rows q to q + 3 of the operand. One load for all four: each lane takes one, and they are passed round.
fn b_lines(q: u32, lane: u32) -> vec4<u32> {
    if (TRANS_B || !B_INDEXED) {
        return q + vec4<u32>(0u, 1u, 2u, 3u);
    }
    let mine = b_line(q + lane % 4u);
    return vec4<u32>(
        subgroupBroadcast(mine, 0u),
        subgroupBroadcast(mine, 1u),
        subgroupBroadcast(mine, 2u),
        subgroupBroadcast(mine, 3u),
    );
}

// sums += (column of a) · (row of b); block i of four rows comes from lane i.
fn add_products(sums: ptr<function, Sums>, a: vec4<f32>, b: vec4<f32>) {
    multiply_add(sums, 0u, subgroupBroadcast(a, 0u), b);
    if (BLOCKS > 1u) {
        multiply_add(sums, 4u, subgroupBroadcast(a, 1u), b);
    }
    if (BLOCKS > 2u) {
        multiply_add(sums, 8u, subgroupBroadcast(a, 2u), b);
    }
    if (BLOCKS > 3u) {
        multiply_add(sums, 12u, subgroupBroadcast(a, 3u), b);
    }
    if (BLOCKS > 4u) {
        multiply_add(sums, 16u, subgroupBroadcast(a, 4u), b);
    }
    if (BLOCKS > 5u) {
        multiply_add(sums, 20u, subgroupBroadcast(a, 5u), b);
    }
    if (BLOCKS > 6u) {
        multiply_add(sums, 24u, subgroupBroadcast(a, 6u), b);
    }
    if (BLOCKS > 7u) {
        multiply_add(sums, 28u, subgroupBroadcast(a, 7u), b);
    }
}

fn multiply_add(sums: ptr<function, Sums>, at: u32, a: vec4<f32>, b: vec4<f32>) {
    (*sums)[at] = mul_add4(vec4<f32>(a.x), b, (*sums)[at]);
    (*sums)[at + 1u] = mul_add4(vec4<f32>(a.y), b, (*sums)[at + 1u]);
    (*sums)[at + 2u] = mul_add4(vec4<f32>(a.z), b, (*sums)[at + 2u]);
    (*sums)[at + 3u] = mul_add4(vec4<f32>(a.w), b, (*sums)[at + 3u]);
}

fn tile_count() -> u32 {
    let rows = 4u * BLOCKS;
    let cols = 4u * LANES;
    return ((params.m + rows - 1u) / rows) * ((params.n + cols - 1u) / cols);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let index = group_index(group, groups);
    if (index >= tile_count()) {
        return;
    }
    let tiles_n = (params.n + 4u * LANES - 1u) / (4u * LANES);
    let row0 = (index / tiles_n) * 4u * BLOCKS;
    let col = (index % tiles_n) * 4u * LANES + 4u * lane;
    // Rows and columns past the edge repeat the last ones: their sums are never stored, and the loop needs no branch.
    var rows = min(row0 + 4u * lane + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    begin_rows();
    if (!TRANS_A) {
        rows = vec4<u32>(a_line(rows.x), a_line(rows.y), a_line(rows.z), a_line(rows.w));
    }
    let cols = min(col, params.n - 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    var sums: Sums;
    var row_sums = vec4<f32>();
    let whole = params.k - params.k % 4u;
    for (var q = 0u; q < whole; q += 4u) {
        var a: mat4x4<f32>;
        if (VEC_A && !TRANS_A) {
            let i = (rows * params.k + q) / 4u;
            a = transpose(mat4x4<f32>(a_word(i.x), a_word(i.y), a_word(i.z), a_word(i.w)));
        } else {
            a = mat4x4<f32>(load_a(rows, q), load_a(rows, q + 1u), load_a(rows, q + 2u), load_a(rows, q + 3u));
        }
        var b: mat4x4<f32>;
        if (VEC_B && TRANS_B) {
            let i = (cols * params.k + q) / 4u;
            b = transpose(mat4x4<f32>(b_word(i.x), b_word(i.y), b_word(i.z), b_word(i.w)));
        } else {
            let lines = b_lines(q, lane);
            b = mat4x4<f32>(
                load_b(cols, lines.x),
                load_b(cols, lines.y),
                load_b(cols, lines.z),
                load_b(cols, lines.w),
            );
        }
        add_products(&sums, a[0], b[0]);
        add_products(&sums, a[1], b[1]);
        add_products(&sums, a[2], b[2]);
        add_products(&sums, a[3], b[3]);
        if (ROW_SUMS) {
            row_sums = row_sums + a[0] + a[1] + a[2] + a[3];
        }
    }
    for (var q = whole; q < params.k; q++) {
        let a = load_a(rows, q);
        add_products(&sums, a, load_b(cols, b_line(q)));
        row_sums += a;
    }
    // This loop is unrolled, which keeps the sums in registers. An activation in it would be compiled 32 times over, for
    // seconds: it has a loop of its own, over sums that this lane has stored.
    for (var i = 0u; i < 4u * BLOCKS; i++) {
        let row = row0 + i;
        if (row < params.m && col < params.n) {
            if (ACTIVATES) {
                store(word_at(row * params.n + col), sums[i]);
            } else {
                put(row, col, sums[i]);
            }
        }
    }
    if (ACTIVATES && col < params.n) {
        for (var row = row0; row < min(row0 + 4u * BLOCKS, params.m); row++) {
            put(row, col, stored(word_at(row * params.n + col)));
        }
    }
    let first = row0 + 4u * lane;
    if (ROW_SUMS && index % tiles_n == 0u && lane < BLOCKS && first < params.m) {
        // The last word of a vector may reach past its end, into padding that stays 0.
        let inside = first + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.m);
        put_row_sums(first, select(vec4<f32>(), row_sums, inside));
    }
}
