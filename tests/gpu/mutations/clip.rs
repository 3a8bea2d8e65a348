//! Clipping of gradients.

use super::{Mutation, RACE, m};

const SQUARES: &str = "square_sum.wgsl";
const NORM: &str = "clip_norm.wgsl";
const VALUE: &str = "clip_value.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("square_sum", SQUARES, "total += word * word", "total += word"),
    m("square_sum", SQUARES, "total += word * word", "total = word * word"),
    m(
        "square_sum",
        SQUARES,
        "vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.n)",
        "vec4<u32>(0u, 1u, 2u, 3u) <= vec4<u32>(params.n)",
    ),
    m("square_sum", SQUARES, "select(Word(), x[i], inside)", "x[i]"),
    m("square_sum", SQUARES, "(params.n + 3u) / 4u", "params.n / 4u"),
    m("square_sum", SQUARES, "i += LANES", "i += LANES + 1u"),
    m("square_sum", SQUARES, "first + local;", "first;"),
    m("square_sum", SQUARES, "(total.z + total.w)", "total.z"),
    m("square_sum", SQUARES, "sums[local] += sums[local + half]", "sums[local] += sums[local + half - 1u]"),
    m("square_sum", SQUARES, "let first = part * WORDS", "let first = part * LANES"),
    m("square_sum", SQUARES, "y[part] = sums[0]", "y[part] = sums[1]"),
    m("square_sum", SQUARES, "(total.z + total.w);\n    workgroupBarrier();", "(total.z + total.w);").open(&[], RACE),
    m("clip_norm", NORM, "norm + EPS", "norm"),
    m("clip_norm", NORM, "select(factor, 1.0, factor > 1.0)", "factor"),
    m("clip_norm", NORM, "select(factor, 1.0, factor > 1.0)", "select(1.0, factor, factor > 1.0)"),
    m("clip_norm", NORM, "select(sqrt(squares), 0.0, squares == 0.0)", "squares"),
    m("clip_norm", NORM, "params.max_norm / (norm", "1.0 / (norm"),
    m("clip_norm", NORM, "if (i < params.n)", "if (i + 1u < params.n)"),
    m("clip_value", VALUE, "select(x[i], -params.limit", "select(x[i], params.limit"),
    m("clip_value", VALUE, "x[i] < -params.limit", "x[i] < params.limit"),
    m("clip_value", VALUE, "select(low, params.limit, low > params.limit)", "low"),
    m("clip_value", VALUE, "if (i < params.n)", "if (i + 1u < params.n)"),
];
