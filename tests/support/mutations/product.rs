//! Matrix products.

use super::{Mutation, RACE, m};
use wgrad::kernels::Kernel::*;

const TILE: &str = "lib/matmul_tile.wgsl";
const BIAS: &str = "matmul_bias_act.wgsl";
const GRAD: &str = "matmul_act_grad.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m(matmul, "matmul.wgsl", "row < params.m && col < params.n", "row < params.m && col + 1u < params.n"),
    m(matmul, "matmul.wgsl", "row < params.m && col < params.n", "row < params.m").open(&[], RACE),
    m(matmul, "matmul.wgsl", "y[row * params.n + col]", "y[row * params.m + col]"),
    m(matmul, "matmul.wgsl", "block.sums[i][j]", "block.sums[j][i]"),
    m(matmul, "matmul.wgsl", "index >= tile_count()", "index > tile_count()")
        .survives("equivalent: past the last tile every row is outside, and no sum is stored"),
    m(matmul, "matmul.wgsl", "return b[i];", "return a[i];"),
    m(
        matmul,
        TILE,
        "select(r * params.k + q, q * params.m + r, TRANS_A)",
        "select(r * params.m + q, q * params.m + r, TRANS_A)",
    ),
    m(
        matmul,
        TILE,
        "select(r * params.k + q, q * params.m + r, TRANS_A)",
        "select(r * params.k + q, q * params.k + r, TRANS_A)",
    ),
    m(
        matmul,
        TILE,
        "select(q * params.n + c, c * params.k + q, TRANS_B)",
        "select(c * params.k + q, q * params.n + c, TRANS_B)",
    ),
    m(matmul, TILE, "r < params.m && q < params.k", "r < params.m"),
    m(matmul, TILE, "c < params.n && q < params.k", "c < params.n"),
    m(matmul, TILE, "c < params.n && q < params.k", "c + 1u < params.n && q < params.k"),
    m(matmul, TILE, "tile_b[kk * TILE + col] = v", "tile_b[kk * TILE + col] = -v"),
    m(matmul, TILE, "kk < SLICE", "kk + 1u < SLICE"),
    m(matmul, TILE, "k0 += SLICE", "k0 += SLICE - 1u"),
    m(matmul, TILE, "e < TILE * SLICE", "e < TILE * SLICE - INVOCATIONS"),
    m(matmul, TILE, "        }\n        workgroupBarrier();\n        for", "        }\n        for").open(&[], RACE),
    m(
        matmul,
        TILE,
        "        }\n        workgroupBarrier();\n    }\n    return Block",
        "        }\n    }\n    return Block",
    )
    .open(&[], RACE),
    m(matmul, TILE, "s3 += tile_a[ia + 3u] * vb", "s3 += tile_a[ia + 2u] * vb"),
    m(matmul, TILE, "tile_b[ib + 2u], tile_b[ib + 3u]", "tile_b[ib + 3u], tile_b[ib + 2u]"),
    m(matmul, TILE, "s1 += tile_a", "s1 -= tile_a"),
    m(matmul, TILE, "(index / tiles_n) * TILE", "(index % tiles_n) * TILE"),
    m(matmul, TILE, "let tiles_n = (params.n + TILE - 1u) / TILE", "let tiles_n = params.n / TILE + 1u"),
    m(matmul, TILE, "((params.n + TILE - 1u) / TILE);\n}", "(params.n / TILE);\n}"),
    m(matmul, TILE, "q < params.k; q++", "q + 1u < params.k; q++"),
    m(matmul, TILE, "select(rows * params.k, rows, TRANS_A)", "select(rows * params.n, rows, TRANS_A)"),
    m(matmul, TILE, "select(1u, params.m, TRANS_A)", "select(1u, params.k, TRANS_A)"),
    m(matmul, TILE, "ib += step_b", "ib += step_a"),
    m(matmul, TILE, "s2 += a_at(ia.z) * vb", "s2 += a_at(ia.y) * vb"),
    m(matmul, TILE, "vec4<u32>(params.m - 1u)", "vec4<u32>(params.m)")
        .survives("equivalent: rows past the edge are loaded and never stored"),
    m(matmul_bias_act, BIAS, "+ b[col]", "+ b[row]"),
    m(matmul_bias_act, BIAS, "block.sums[i][j] + b[col]", "block.sums[i][j]"),
    m(matmul_bias_act, BIAS, "= activate(value)", "= value"),
    m(matmul_bias_act, BIAS, "z[row * params.n + col] = value", "z[row * params.n + col] = activate(value)"),
    m(matmul_bias_act, BIAS, "TRANS_B: bool = true", "TRANS_B: bool = false"),
    m(matmul_bias_act, BIAS, "row < params.m && col < params.n", "row + 1u < params.m && col < params.n"),
    m(matmul_act_grad, GRAD, "activate_derivative(saved[at])", "activate(saved[at])"),
    m(matmul_act_grad, GRAD, " * activate_derivative(saved[at])", ""),
    m(matmul_act_grad, GRAD, "let at = row * params.n + col", "let at = row * params.n + col + 1u"),
    m(matmul_act_grad, GRAD, "return w[i];", "return dy[i];"),
];
