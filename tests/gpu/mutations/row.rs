//! Softmax and the sum that ends a step.

use super::{Mutation, RACE, m};

const SOFTMAX: &str = "softmax.wgsl";
const GRAD: &str = "softmax_grad.wgsl";
const ROW: &str = "lib/row.wgsl";
const FIND: &str = "find_nonfinite.wgsl";
const SUM: &str = "weighted_sum.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("softmax", SOFTMAX, "largest = max(largest, x[base + j])", "largest = min(largest, x[base + j])"),
    m("softmax", SOFTMAX, "var largest = -3.4028234e38", "var largest = 0.0"),
    m("softmax", SOFTMAX, "exp_safe(x[base + j] - shift)", "exp_safe(x[base + j])"),
    m("softmax", SOFTMAX, "sum = sum + e;", "sum = e;"),
    m("softmax", SOFTMAX, "y[base + j] / total", "y[base + j] * total"),
    m("softmax", ROW, "(ROW_GROUP / LANES) + local / LANES", "(ROW_GROUP / LANES) + local % LANES"),
    m("softmax", SOFTMAX, "let base = row * params.cols", "let base = row * params.rows"),
    m("softmax", SOFTMAX, "row < params.rows", "row + 1u < params.rows"),
    m(
        "softmax",
        ROW,
        "            row_partial[local] += row_partial[local + width];\n        }\n        workgroupBarrier();",
        "            row_partial[local] += row_partial[local + width];\n        }",
    )
    .open(&[], RACE),
    m(
        "softmax",
        SOFTMAX,
        "max(row_partial[local], row_partial[local + width]);\n        }\n        workgroupBarrier();",
        "max(row_partial[local], row_partial[local + width]);\n        }",
    )
    .open(&[], RACE),
    m("softmax", SOFTMAX, "workgroupBarrier();\n    return largest;", "return largest;").open(&[], RACE),
    m("softmax", ROW, "+= row_partial[local + width]", "+= row_partial[width]"),
    m("softmax_grad", GRAD, "((dy[base + j] - shift) - total)", "((dy[base + j] - shift) + total)"),
    m("softmax_grad", GRAD, "p[base + j] * (dy[base + j] - shift);", "p[base + j] * dy[base + j];"),
    m("softmax_grad", GRAD, "dx[base + j] = p[base + j] * (", "dx[base + j] = ("),
    m("softmax_grad", GRAD, "dy[min(base + k, ", "dy[min(base, "),
    m("softmax_grad", GRAD, "v > largest", "v >= largest")
        .survives("within the bound: a row may be shifted by any of its equal maxima"),
    m("softmax_grad", GRAD, "b > a || (b == a && row_column[local + width] < row_column[local])", "b < a"),
    m("softmax_grad", GRAD, "row_column[local] = row_column[local + width];", ""),
    m(
        "softmax_grad",
        GRAD,
        "    row_column[local] = column;\n    workgroupBarrier();",
        "    row_column[local] = column;",
    )
    .open(&[], RACE),
    m(
        "softmax_grad",
        ROW,
        "            row_partial[local] += row_partial[local + width];\n        }\n        workgroupBarrier();",
        "            row_partial[local] += row_partial[local + width];\n        }",
    )
    .open(&[], RACE),
    m("find_nonfinite", FIND, "vec4<u32>(0x7f800000u)", "vec4<u32>(0x7fc00000u)"),
    m("find_nonfinite", FIND, "vec4<u32>(0x7f800000u)", "vec4<u32>(0x7f000000u)"),
    m("find_nonfinite", FIND, "any(inside & bad)", "any(bad)"),
    m("find_nonfinite", FIND, "any(inside & bad)", "all(inside & bad)"),
    m("find_nonfinite", FIND, "vec4<u32>(0u, 1u, 2u, 3u)", "vec4<u32>(0u)"),
    m("find_nonfinite", FIND, "if (4u * i < params.n)", "if (4u * i + 4u < params.n)"),
    m("find_nonfinite", FIND, "atomicOr(&found[0], 1u)", "atomicOr(&found[0], 2u)"),
    m("weighted_sum", SUM, "weight[now * params.weight_stride + i]", "weight[i]"),
    m("weighted_sum", SUM, "weight[now * params.weight_stride + i]", "weight[now * params.n + i]"),
    m("weighted_sum", SUM, "select(w * x[i], 0.0, w == 0.0)", "w * x[i]"),
    m("weighted_sum", SUM, "i += LANES", "i += LANES + 1u"),
    m("weighted_sum", SUM, "i < params.n", "i + 1u < params.n"),
    m("weighted_sum", SUM, "log[now] = sums[0]", "log[0] = sums[0]"),
    m("weighted_sum", SUM, "log[now] = sums[0]", "log[now] = total"),
    m("weighted_sum", SUM, "step[0] = now + 1u", "step[0] = now"),
    m("weighted_sum", SUM, "sums[local + half]", "sums[local + half - 1u]"),
    m("weighted_sum", SUM, "sums[local] = total;\n    workgroupBarrier();", "sums[local] = total;").open(&[], RACE),
    m("weighted_sum", SUM, "        }\n        workgroupBarrier();\n    }", "        }\n    }").open(&[], RACE),
    m("weighted_sum", SUM, "    if (local == 0u) {\n        log", "    if (local == 1u) {\n        log")
        .survives("equivalent: after the barrier every invocation sees the sum"),
];
