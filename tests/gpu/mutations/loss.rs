//! Losses.

use super::{Mutation, RACE, m};

const ROWS: &str = "lib/loss.wgsl";
const ELEMENT: &str = "lib/element_loss.wgsl";
const ELEMENT_ROWS: &str = "element_loss.wgsl";
const BINDINGS: &str = "lib/loss_bindings.wgsl";
const HALF: &str = "lib/loss/half_squared_error.wgsl";
const BCE: &str = "lib/loss/binary_cross_entropy.wgsl";
const LOGITS: &str = "lib/loss/bce_with_logits.wgsl";
const CE: &str = "lib/class_loss.wgsl";
const HEAD: &str = "dense_cross_entropy.wgsl";
const MEMORY: &str = "lib/exchange_memory.wgsl";
const SUBGROUP: &str = "lib/exchange_subgroup.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("dense_cross_entropy", HEAD, "logits[i - row_begin]", "logits[0]"),
    m("dense_cross_entropy", HEAD, "target_class[indexed_row(row)]", "target_class[row]"),
    m("dense_cross_entropy", HEAD, "step[0] * params.upstream_stride + row", "row"),
    m("dense_cross_entropy", HEAD, "column + local % 4u", "column"),
    m("dense_cross_entropy", HEAD, "column + local % 4u", "column + local")
        .survives("equivalent: only the words of the first four invocations are read"),
    m("dense_cross_entropy", HEAD, "vec4<f32>(terms.z), w[2]", "vec4<f32>(terms.z), w[1]"),
    m("dense_cross_entropy", HEAD, "q += 4u", "q += 8u"),
    m("dense_cross_entropy", HEAD, "let at = params.bias_at + c", "let at = params.bias_at"),
    m("dense_cross_entropy", HEAD, "let at = params.bias_at + c", "let at = params.n * params.k + c"),
    m("dense_cross_entropy", HEAD, "vec4<f32>(slope.z), w_words", "vec4<f32>(-slope.z), w_words"),
    m("dense_cross_entropy", HEAD, "column, word_3());", "column, word_2());"),
    m("dense_cross_entropy", HEAD, "column, word_7());", "column, word_6());"),
    m("dense_cross_entropy", HEAD, "row < params.m && col < params.k", "row < params.m && col + 4u < params.k"),
    m("dense_cross_entropy", HEAD, "sums.rows[r] *", "sums.rows[0] *"),
    m("dense_cross_entropy", HEAD, "derivative_word(saved[at])", "saved[at]"),
    m("dense_cross_entropy", HEAD, "col += 4u * WIDTH", "col += 8u * WIDTH"),
    m("dense_cross_entropy", HEAD, "group_index(group, groups) * WIDTH", "group_index(group, groups) * 4u"),
    m("dense_cross_entropy", HEAD, "add_four(&sums, 12u, local)", "add_four(&sums, 8u, local)"),
    m("dense_cross_entropy", HEAD, "find_logits(min(row, params.m - 1u), local)", "find_logits(0u, local)"),
    m("dense_cross_entropy", HEAD, "dz[row_begin + c] = slopes[c]", "dz[row_begin + c] = logits[c]"),
    m(
        "dense_cross_entropy",
        MEMORY,
        "shared_words[local] = value;\n    workgroupBarrier();",
        "shared_words[local] = value;",
    )
    .open(&["llvmpipe"], RACE),
    m("dense_cross_entropy", SUBGROUP, "subgroupBroadcast(own_word, 3u)", "subgroupBroadcast(own_word, 2u)")
        .broadcast(),
    m("mse", ROWS, "local % LANES);", "local / LANES);"),
    m("mse", ROWS, "* rows_per_group + local / LANES", "* rows_per_group + local"),
    m("mse", ROWS, "row_partial[local] += row_partial[local + width]", "row_partial[local] += row_partial[local]"),
    m("mse", ROWS, "width > 0u", "width > 1u"),
    m("mse", ROWS, "local < width", "local + 1u < width"),
    m("mse", ROWS, "row_partial[local] = value;\n    workgroupBarrier();", "row_partial[local] = value;")
        .open(&[], RACE),
    m(
        "mse",
        ROWS,
        "        }\n        workgroupBarrier();\n    }\n    return row_partial[0];",
        "        }\n    }\n    return row_partial[0];",
    )
    .open(&[], RACE),
    m("mse", BINDINGS, "step[0] * params.upstream_stride + row", "row"),
    m("mse", BINDINGS, "step[0] * params.upstream_stride + row", "step[0] * params.rows + row"),
    m("cross_entropy", ROWS, "select(slope * scale, 0.0, scale == 0.0)", "slope * scale"),
    m("cross_entropy", "lib/element.wgsl", "0x7fc00000u", "0x7f800000u"),
    m("mse", ELEMENT, "quotient(given, f32(cols))", "quotient(given, f32(cols + 1u))"),
    m("mse", ELEMENT, "j += LANES", "j += 1u"),
    m("mse", ELEMENT, "at.row * cols + j", "at.row + cols * j"),
    m("mse", ELEMENT, "partial += e.loss", "partial = e.loss"),
    m("mse", ELEMENT, "var j = at.lane;", "var j = at.lane + 1u;"),
    m("mse", ELEMENT_ROWS, "at.row < params.rows", "at.row + 1u < params.rows"),
    m("mse", ELEMENT, "select(total, quotient(total, f32(cols)), MEAN)", "total"),
    m("mse", ELEMENT_ROWS, "inside && at.lane == 0u", "inside")
        .survives("equivalent: every lane of a row holds the row's sum"),
    m("hinge", ELEMENT, "is_nan_bits(y) || is_nan_bits(t)", "is_nan_bits(t)"),
    m("huber", ELEMENT, "set_dpred(i, scaled(e.slope, scale))", "set_dpred(i, scaled(scale, e.slope))"),
    m("half_squared_error", HALF, "0.5 * d * d", "d * d"),
    m("half_squared_error", HALF, "let d = y - t", "let d = t - y"),
    m("half_squared_error", HALF, "MEAN: bool = false", "MEAN: bool = true"),
    m("mse", "lib/loss/mse.wgsl", "2.0 * d", "d"),
    m("mse", "lib/loss/mse.wgsl", "ElementLoss(d * d, ", "ElementLoss(abs(d), "),
    m("mae", "lib/loss/mae.wgsl", "abs(d)", "d"),
    m("mae", "lib/loss/mae.wgsl", "1.0, d > 0.0", "1.0, d >= 0.0"),
    m("mae", "lib/loss/mae.wgsl", "-1.0, d < 0.0", "1.0, d < 0.0"),
    m("huber", "lib/loss/huber.wgsl", "a <= DELTA", "a < DELTA").survives("equivalent: both branches meet at DELTA"),
    m("huber", "lib/loss/huber.wgsl", "a <= DELTA", "a >= DELTA"),
    m("huber", "lib/loss/huber.wgsl", "mul_add(-0.5, DELTA, a)", "(a - DELTA)"),
    m("huber", "lib/loss/huber.wgsl", "clamp(d, -DELTA, DELTA)", "d"),
    m("quantile", "lib/loss/quantile.wgsl", "let d = y - t", "let d = t - y"),
    m("quantile", "lib/loss/quantile.wgsl", "0.5 - QUANTILE", "0.0"),
    m("quantile", "lib/loss/quantile.wgsl", "-QUANTILE, d < 0.0", "QUANTILE, d < 0.0"),
    m("quantile", "lib/loss/quantile.wgsl", "select(QUANTILE, above, d > 0.0) * abs(d)", "above * abs(d)"),
    m("hinge", "lib/loss/hinge.wgsl", "mul_add(-t, y, 1.0)", "mul_add(t, y, 1.0)"),
    m("hinge", "lib/loss/hinge.wgsl", "margin <= 0.0", "margin < 0.0"),
    m("hinge", "lib/loss/hinge.wgsl", "select(-t, 0.0, outside)", "select(t, 0.0, outside)"),
    m("binary_cross_entropy", BCE, "quotient(p - t, max", "quotient(t - p, max"),
    m("binary_cross_entropy", BCE, "max(p * q, 1e-12)", "max(p * q, 1e-8)"),
    m("binary_cross_entropy", BCE, "return 100.0;", "return 50.0;"),
    m("binary_cross_entropy", BCE, "(1.0 - t) * negative_log(q, p)", "negative_log(q, p)"),
    m("binary_cross_entropy", BCE, "mul_add(t, negative_log(p, q)", "mul_add(t, negative_log(p, p)"),
    m("binary_cross_entropy", BCE, "log1p_safe(quotient(complement, p))", "-log(p)")
        .open(&[], "the built-in log may be better near 1 than the specification asks"),
    m("binary_cross_entropy", BCE, "min(100.0, -log_safe(p))", "-log_safe(p)").survives(
        "equivalent: the log of the smallest normal number is -87.3, and smaller numbers are answered before",
    ),
    m("binary_cross_entropy", BCE, "p >= 0.5", "p >= 0.9")
        .survives("within the bound: log_safe keeps its relative precision near 1"),
    m("bce_with_logits", LOGITS, "mul_add(1.0 - t, up, -(t * down))", "up - t"),
    m("bce_with_logits", LOGITS, "mul_add(1.0 - t, up, -(t * down))", "mul_add(1.0 - t, up, t * down)"),
    m("bce_with_logits", LOGITS, "t * (max(-z, 0.0) + tail)", "t * (max(z, 0.0) + tail)"),
    m("bce_with_logits", LOGITS, "select(smaller, larger, z >= 0.0)", "larger"),
    m("cross_entropy", CE, "b.value > a.value", "b.value < a.value"),
    m("cross_entropy", CE, " || (b.value == a.value && b.column < a.column)", "")
        .survives("within the bound: a row may be shifted by any of its equal maxima"),
    m("cross_entropy", CE, "row_largest[local] = mine;\n    workgroupBarrier();", "row_largest[local] = mine;")
        .open(&[], RACE),
    m("cross_entropy", CE, "j != top.column && j != class_index", "j != top.column"),
    m("cross_entropy", CE, "j != top.column && j != class_index", "j != class_index"),
    m("cross_entropy", CE, "others += e;", "others = e;"),
    m("cross_entropy", CE, "log1p_safe(below_top) + below", "log1p_safe(below_top)"),
    m("cross_entropy", CE, "var below = top.value - z_class;", "var below = 0.0;"),
    m("cross_entropy", CE, "depth += top.value - pred_at(first + j);", "depth -= pred_at(first + j);"),
    m("cross_entropy", CE, "depth = row_sum(depth, local);", ""),
    m("cross_entropy", CE, "quotient(SMOOTHING, f32(cols))", "SMOOTHING"),
    m("cross_entropy", CE, "SMOOTHING - each, j == class_index", "-each, j == class_index"),
    m("cross_entropy", CE, "mul_add(1.0 - SMOOTHING, below, ", "(below + "),
    m("cross_entropy", CE, "SMOOTHING * quotient(depth, f32(cols))", "SMOOTHING * depth"),
    m(
        "cross_entropy",
        CE,
        "            // Every invocation has read the sum before.\n            workgroupBarrier();",
        "            // Every invocation has read the sum before.",
    )
    .open(&[], RACE),
    m("cross_entropy", CE, "log1p_safe(below_top) + below", "log1p_safe(below_top) - below"),
    m("cross_entropy", CE, "-besides_class, j == class_index", "besides_class, j == class_index"),
    m("cross_entropy", CE, "-besides_class, j == class_index", "e_class - whole, j == class_index"),
    m("cross_entropy", CE, "var slope = quotient(numerator, whole);", "var slope = numerator;"),
    m("cross_entropy", CE, "select(1.0 + others, others, is_top)", "others"),
    m("cross_entropy", CE, "given));\n", "1.0));\n"),
    m("mse", ELEMENT, "element(y, t)", "element(t, y)"),
    m("mae", "lib/loss/mae.wgsl", "MEAN: bool = true", "MEAN: bool = false"),
    m("hinge", ELEMENT, "element(y, t)", "element(y, -t)"),
    m("huber", "lib/loss/huber.wgsl", "DELTA * mul_add", "0.5 * DELTA * mul_add"),
    m("binary_cross_entropy", BCE, "MEAN: bool = true", "MEAN: bool = false"),
    m("bce_with_logits", ELEMENT, "element(y, t)", "element(y, 1.0 - t)"),
    m("cross_entropy", "cross_entropy.wgsl", "return expected[row]", "return expected[row + 1u]"),
];
