//! Matrix products.

use super::{Mutation, RACE, m};

const TILE: &str = "lib/matmul_tile.wgsl";
const BIAS: &str = "matmul_bias_act.wgsl";
const EPILOGUE: &str = "lib/bias_act.wgsl";
const IN_ORDER: &str = "lib/rows_in_order.wgsl";
const INDEX: &str = "lib/rows_by_index.wgsl";
const GRAD: &str = "matmul_act_grad.wgsl";
const LANES: &str = "lib/matmul_broadcast.wgsl";
const WORD: &str = "lib/word.wgsl";
const WORD4: &str = "lib/word4.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("matmul", "matmul.wgsl", "word_at(row * params.n + col), sum", "word_at(row * params.m + col), sum"),
    m("matmul", "matmul.wgsl", "y[at] = sum;", "y[at] = -sum;"),
    m("matmul", "matmul.wgsl", "return b[i];", "return a[i];"),
    m("matmul", WORD, "    return i;\n", "    return i + 1u;\n"),
    m("matmul_bias_act", "lib/activation_word.wgsl", "return activate(x);", "return x;"),
    m("matmul_act_grad", "lib/activation_word.wgsl", "return activate_derivative(x);", "return activate(x);"),
    m("matmul", TILE, "row < params.m && col < params.n", "row < params.m && col + 1u < params.n"),
    m("matmul", TILE, "row < params.m && col < params.n", "row < params.m").open(&[], RACE),
    m("matmul", TILE, "block.sums[i][j]", "block.sums[j][i]"),
    m("matmul", TILE, "index >= tile_count()", "index > tile_count()")
        .survives("equivalent: past the last tile every row is outside, and no sum is stored"),
    m("matmul_col_sum", TILE, "block.row + i < params.m)", "block.row + i + 1u < params.m)"),
    m("matmul_col_sum", TILE, "block.col == 0u", "block.col == 32u"),
    m("matmul_col_sum", TILE, "block.row_sums[i]", "block.row_sums[0]"),
    m("matmul_col_sum", TILE, "row_sums += va;", "row_sums -= va;"),
    m("matmul_col_sum", TILE, "tile_a[ia + 2u], tile_a[ia + 3u]);", "tile_a[ia + 2u], tile_a[ia + 2u]);"),
    m("matmul_col_sum", "matmul_col_sum.wgsl", "ROW_SUMS: bool = true", "ROW_SUMS: bool = false"),
    m("matmul_col_sum", "lib/weight_grad.wgsl", "return x[i];", "return dy[i];"),
    m("matmul_col_sum", "matmul_col_sum.wgsl", "TRANS_A: bool = true", "TRANS_A: bool = false"),
    m(
        "matmul",
        TILE,
        "select(a_line(r) * params.k + q, q * params.m + r, TRANS_A)",
        "select(a_line(r) * params.m + q, q * params.m + r, TRANS_A)",
    ),
    m(
        "matmul",
        TILE,
        "select(a_line(r) * params.k + q, q * params.m + r, TRANS_A)",
        "select(a_line(r) * params.k + q, q * params.k + r, TRANS_A)",
    ),
    m(
        "matmul",
        TILE,
        "select(b_line(q) * params.n + c, c * params.k + q, TRANS_B)",
        "select(c * params.k + q, b_line(q) * params.n + c, TRANS_B)",
    ),
    m("matmul", TILE, "r < params.m && q < params.k", "r < params.m"),
    m("matmul", TILE, "c < params.n && q < params.k", "c < params.n"),
    m("matmul", TILE, "c < params.n && q < params.k", "c + 1u < params.n && q < params.k"),
    m("matmul", TILE, "tile_b[kk * TILE + col] = v", "tile_b[kk * TILE + col] = -v"),
    m("matmul", TILE, "kk < SLICE", "kk + 1u < SLICE"),
    m("matmul", TILE, "k0 += SLICE", "k0 += SLICE - 1u"),
    m("matmul", TILE, "e < TILE * SLICE", "e < TILE * SLICE - INVOCATIONS"),
    m("matmul", TILE, "        }\n        workgroupBarrier();\n        for", "        }\n        for").open(&[], RACE),
    m(
        "matmul",
        TILE,
        "        }\n        workgroupBarrier();\n    }\n    return Block",
        "        }\n    }\n    return Block",
    )
    .open(&[], RACE),
    m("matmul", TILE, "s3 += tile_a[ia + 3u] * vb", "s3 += tile_a[ia + 2u] * vb"),
    m("matmul", TILE, "tile_b[ib + 2u], tile_b[ib + 3u]", "tile_b[ib + 3u], tile_b[ib + 2u]"),
    m("matmul", TILE, "s1 += tile_a", "s1 -= tile_a"),
    m("matmul", TILE, "(index / tiles_n) * TILE", "(index % tiles_n) * TILE"),
    m("matmul", TILE, "let tiles_n = (params.n + TILE - 1u) / TILE", "let tiles_n = params.n / TILE + 1u"),
    m("matmul", TILE, "((params.n + TILE - 1u) / TILE);\n}", "(params.n / TILE);\n}"),
    m("matmul", TILE, "q < params.k; q++", "q + 1u < params.k; q++"),
    m("matmul", TILE, "select(rows * params.k, rows, TRANS_A)", "select(rows * params.n, rows, TRANS_A)"),
    m("matmul", TILE, "select(1u, params.m, TRANS_A)", "select(1u, params.k, TRANS_A)"),
    m("matmul", TILE, "ib += step_b", "ib += step_a"),
    m("matmul", TILE, "s2 += va.z * vb", "s2 += va.y * vb"),
    m("matmul", TILE, "vec4<u32>(params.m - 1u)", "vec4<u32>(params.m)")
        .survives("equivalent: rows past the edge are loaded and never stored"),
    m("matmul_bias_act", EPILOGUE, "+ b[word_at(col)]", "+ b[word_at(row)]"),
    m("matmul_bias_act", EPILOGUE, "sum + b[word_at(col)]", "sum"),
    m("matmul_bias_act", EPILOGUE, "= activate_word(value)", "= value"),
    m("matmul_bias_act", EPILOGUE, "z[at] = value", "z[at] = activate_word(value)"),
    m("matmul_bias_act", BIAS, "TRANS_B: bool = true", "TRANS_B: bool = false"),
    m("matmul", IN_ORDER, "return a_row;", "return a_row + 1u;"),
    m("matmul", IN_ORDER, "return b_row;", "return 0u;"),
    m("gather_matmul_bias_act", "gather_matmul_bias_act.wgsl", "return indexed_row(i);", "return i;"),
    m("gather_matmul_col_sum", "gather_matmul_col_sum.wgsl", "return indexed_row(i);", "return i;"),
    m("gather_matmul_col_sum", "gather_matmul_col_sum.wgsl", "ROW_SUMS: bool = true", "ROW_SUMS: bool = false"),
    m("gather_matmul_bias_act", INDEX, "step[0] * params.index_stride", "step[0]"),
    m("gather_matmul_bias_act", INDEX, "index[first_index + i]", "index[i]"),
    m("gather_matmul_bias_act", TILE, "begin_rows();", ""),
    m("gather_matmul_bias_act", TILE, "a_line(rows.z), a_line(rows.w)", "a_line(rows.w), a_line(rows.z)"),
    m("gather_matmul_bias_act", TILE, "select(a_line(r) *", "select(r *"),
    m("gather_matmul_col_sum", TILE, "select(b_line(q) *", "select(q *"),
    m("gather_matmul_col_sum", TILE, "ib = b_line(q) * params.n + cols;", ""),
    m("gather_matmul_bias_act", LANES, "begin_rows();", "").broadcast(),
    m("gather_matmul_bias_act", LANES, "a_line(rows.z), a_line(rows.w)", "a_line(rows.w), a_line(rows.z)").broadcast(),
    m("gather_matmul_col_sum", LANES, "TRANS_B || !B_INDEXED", "TRANS_B || B_INDEXED").broadcast(),
    m("gather_matmul_col_sum", LANES, "b_line(q + lane % 4u)", "b_line(q)").broadcast(),
    m("gather_matmul_col_sum", LANES, "subgroupBroadcast(mine, 2u)", "subgroupBroadcast(mine, 1u)").broadcast(),
    m("gather_matmul_col_sum", LANES, "load_b(cols, b_line(q))", "load_b(cols, q)").broadcast(),
    m("matmul_act_grad", GRAD, "derivative_word(saved[at])", "activate_word(saved[at])"),
    m("matmul_act_grad", GRAD, " * derivative_word(saved[at])", ""),
    m("matmul_act_grad", GRAD, "let at = word_at(row * params.n + col)", "let at = word_at(row * params.n + col) + 1u"),
    m("matmul_act_grad", GRAD, "return w[i];", "return dy[i];"),
    m("matmul", WORD4, "return i / 4u;", "return i / 4u + 1u;").broadcast(),
    m("matmul_bias_act", "lib/activation_word4.wgsl", "activate(x.w)", "activate(x.z)").broadcast(),
    m(
        "matmul_act_grad",
        "lib/activation_word4.wgsl",
        "        activate_derivative(x.y),",
        "        activate_derivative(x.x),",
    )
    .broadcast(),
    m("matmul", LANES, "return a_word(i / 4u)[i % 4u];", "return a_word(i / 4u)[(i + 1u) % 4u];").broadcast(),
    m("matmul", LANES, "return b_word(i / 4u)[i % 4u];", "return b_word(i / 4u)[i % 2u];").broadcast(),
    m("matmul", LANES, "(q * params.m + row.x) / 4u", "(q * params.k + row.x) / 4u").broadcast(),
    m("matmul", LANES, "(q * params.n + col.x) / 4u", "(q * params.k + col.x) / 4u").broadcast(),
    m("matmul", LANES, "row * params.k + q, q * params.m + row", "row * params.m + q, q * params.m + row").broadcast(),
    m("matmul", LANES, "q * params.n + col, col * params.k + q", "q * params.n + col, col * params.n + q").broadcast(),
    m("matmul", LANES, "subgroupBroadcast(a, 1u)", "subgroupBroadcast(a, 0u)").broadcast(),
    m("matmul", LANES, "multiply_add(sums, 8u,", "multiply_add(sums, 4u,").broadcast(),
    m("matmul", LANES, "(*sums)[at + 2u] += a.z * b", "(*sums)[at + 2u] += a.y * b").broadcast(),
    m("matmul", LANES, "(*sums)[at + 3u] += a.w * b", "(*sums)[at + 3u] -= a.w * b").broadcast(),
    m("matmul", LANES, "let rows = 4u * BLOCKS;", "let rows = 4u * BLOCKS + 4u;").broadcast(),
    m("matmul", LANES, "(index / tiles_n) * 4u * BLOCKS", "(index / tiles_n) * 4u * LANES").broadcast(),
    m("matmul", LANES, "(index % tiles_n) * 4u * LANES", "(index % tiles_n) * 4u * BLOCKS").broadcast(),
    m("matmul", LANES, "params.k - params.k % 4u", "params.k").broadcast(),
    m("matmul", LANES, "q += 4u", "q += 5u").broadcast(),
    m("matmul", LANES, "(rows * params.k + q) / 4u", "(rows * params.m + q) / 4u").broadcast(),
    m("matmul", LANES, "(cols * params.k + q) / 4u", "(cols * params.k) / 4u").broadcast(),
    m("matmul", LANES, "load_a(rows, q + 2u), load_a(rows, q + 3u)", "load_a(rows, q + 3u), load_a(rows, q + 2u)")
        .broadcast(),
    m("matmul", LANES, "add_products(&sums, a[2], b[2])", "add_products(&sums, a[2], b[1])").broadcast(),
    m("matmul", LANES, "q < params.k; q++", "q + 1u < params.k; q++").broadcast(),
    m("matmul", LANES, "row < params.m && col < params.n", "row < params.m && col + 4u < params.n").broadcast(),
    m("matmul", LANES, "row < params.m && col < params.n", "row + 1u < params.m && col < params.n").broadcast(),
    m("matmul", LANES, "vec4<u32>(params.m - 1u)", "vec4<u32>(params.m)")
        .survives("equivalent: rows past the edge are loaded and never stored")
        .broadcast(),
    m("matmul_col_sum", LANES, "row_sums + a[0] + a[1]", "row_sums + a[0] + a[0]").broadcast(),
    m("matmul_col_sum", LANES, "row_sums += a;", "").broadcast(),
    m("matmul_col_sum", LANES, "index % tiles_n == 0u && lane < BLOCKS", "index % tiles_n == 0u")
        .survives("equivalent: a lane past the tile's rows has the sums of rows of the next tile, the same numbers")
        .broadcast(),
    m("matmul_col_sum", LANES, "lane < BLOCKS && first < params.m", "lane + 1u < BLOCKS && first < params.m")
        .broadcast(),
];
