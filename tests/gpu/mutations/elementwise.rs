//! Grids, copies and sums over columns.

use super::{Mutation, m};

const VALUE: &str = "activation.wgsl";
const GRAD: &str = "activation_grad.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("add", "lib/grid.wgsl", "group.y) * groups.x + group.x", "group.x) * groups.x + group.y"),
    m("add", "lib/grid.wgsl", "group.z * groups.y + group.y", "group.y"),
    m("identity", "lib/grid.wgsl", "(group.z * groups.y + group.y) * groups.x + group.x", "group.x"),
    m("add", "lib/elementwise.wgsl", "WORKGROUP: u32 = 64u", "WORKGROUP: u32 = 32u"),
    m("identity", "lib/elementwise.wgsl", "* WORKGROUP + local", "* WORKGROUP + local + 1u"),
    m("add", "add.wgsl", "a[i] + b[i]", "a[i] - b[i]"),
    m("add", "add.wgsl", "a[i] + b[i]", "a[i] + a[i]"),
    m("add", "add.wgsl", "i < params.n", "i + 1u < params.n"),
    m("add", "add.wgsl", "i < params.n", "i <= params.n").survives(
        "equivalent: the element past the end is outside of the binding: the write is dropped or repeats the last one",
    ),
    m("add_bias", "add_bias.wgsl", "b[i % params.cols]", "b[i / params.cols]"),
    m("add_bias", "add_bias.wgsl", "b[i % params.cols]", "b[i % params.rows]"),
    m("add_bias", "add_bias.wgsl", "i < params.rows * params.cols", "i + 1u < params.rows * params.cols"),
    m("advance", "advance.wgsl", "step[0] += params.by", "step[0] = params.by"),
    m("advance", "advance.wgsl", "local == 0u", "local == 1u")
        .survives("equivalent: one invocation adds, whichever it is"),
    m("identity", VALUE, "y[i] = value(x[i])", "y[i] = -value(x[i])"),
    m("identity", VALUE, "y[i] = value(x[i])", "y[i] = value(x[i ^ 1u])"),
    m("identity_grad", GRAD, "dy[i] * derivative(x[i])", "dy[i] * x[i]"),
    m("identity_grad", GRAD, "i < params.n", "i < params.n - 1u"),
    m("gather_rows", "gather_rows.wgsl", "step[0] * params.index_stride + i / params.cols", "i / params.cols"),
    m("gather_rows", "gather_rows.wgsl", "row * params.cols + i % params.cols", "row * params.rows + i % params.cols"),
    m("gather_rows", "gather_rows.wgsl", "row * params.cols + i % params.cols", "row * params.cols + i % params.rows"),
    m("gather_rows", "gather_rows.wgsl", "data[at / 4u][at % 4u]", "data[at / 4u][at % 2u]"),
    m("gather_rows", "gather_rows.wgsl", "data[source(first) / 4u]", "data[source(first) / 4u + 1u]"),
    m("gather_rows", "gather_rows.wgsl", "i >= params.rows * params.cols", "i + 1u >= params.rows * params.cols"),
    m("copy_window", "copy_window.wgsl", "params.first + (i", "(i"),
    m("copy_window", "copy_window.wgsl", "* params.stride + i", "* params.cols + i"),
    m("copy_window", "copy_window.wgsl", "(i / params.cols)", "(i / params.rows)"),
    m("copy_window", "copy_window.wgsl", "i < params.rows", "i + 1u < params.rows"),
    m("join_columns", "join_columns.wgsl", "col < params.cols_a", "col <= params.cols_a"),
    m("join_columns", "join_columns.wgsl", "col - params.cols_a]", "col]"),
    m("join_columns", "join_columns.wgsl", "a[row * params.cols_a", "a[row * params.cols_b"),
    m("join_columns", "join_columns.wgsl", "params.cols_a + params.cols_b;", "params.cols_a + params.cols_a;"),
    m("join_columns", "join_columns.wgsl", "i >= params.rows", "i + 1u >= params.rows"),
    m("col_sum", "col_sum.wgsl", "min(first + params.rows_per_sum,", "min(first + params.rows_per_sum - 1u,"),
    m("col_sum", "col_sum.wgsl", "params.rows + params.rows_per_sum - 1u", "params.rows"),
    m("col_sum", "col_sum.wgsl", "x[row * params.cols + col]", "x[col * params.rows + row]"),
    m("col_sum", "col_sum.wgsl", "var row = first;", "var row = first + 1u;"),
    m("col_sum", "col_sum.wgsl", "total += x", "total -= x"),
    m("col_sum", "col_sum.wgsl", ", params.rows);", ", params.rows - 1u);"),
];
