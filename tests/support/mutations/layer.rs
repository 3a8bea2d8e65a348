//! Layers beside dense ones: dropout and its random numbers, normalisation over rows and over the batch.

use super::{Mutation, RACE, m};
use wgrad::kernels::Kernel::*;

const PHILOX: &str = "lib/philox.wgsl";
const DROPOUT: &str = "dropout.wgsl";
const ROW: &str = "lib/row.wgsl";
const MOMENTS: &str = "lib/row_moments.wgsl";
const LAYER_GRAD: &str = "layer_norm_grad.wgsl";
const BATCH_MOMENTS: &str = "batch_moments.wgsl";
const BATCH_GRAD: &str = "batch_norm_grad.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m(dropout, PHILOX, "round < 10u", "round < 9u"),
    m(dropout, PHILOX, "0xd2511f53u, c.x", "0xd2511f53u, c.y"),
    m(dropout, PHILOX, "(low_high >> 16u) + (high_low >> 16u)", "(low_high >> 16u)"),
    m(dropout, PHILOX, " + (middle >> 16u)", ""),
    m(dropout, PHILOX, "high0 ^ c.w ^ k.y", "high0 ^ c.w ^ k.x"),
    m(dropout, PHILOX, "k = k + vec2<u32>(0x9e3779b9u, 0xbb67ae85u);", ""),
    m(dropout, DROPOUT, ">= params.threshold", "< params.threshold"),
    m(dropout, DROPOUT, ">= params.threshold", "> params.threshold")
        .survives("a word equal to the threshold comes once in 2^32"),
    m(dropout, DROPOUT, "params.scale * x[start + i]", "x[start + i]"),
    m(dropout, DROPOUT, "(params.first + start) / 4u", "start / 4u"),
    m(dropout, DROPOUT, "(params.first + start) / 4u", "params.first + start"),
    m(dropout, DROPOUT, "4u * step[0]", "0u"),
    m(dropout, DROPOUT, "params.layer, random[row], random", "0u, random[row], random"),
    m(dropout, DROPOUT, "random[row + 1u]);", "random[row]);"),
    m(dropout, DROPOUT, "random[row + 2u], random[row + 3u]", "random[row + 3u], random[row + 2u]"),
    m(dropout, DROPOUT, "words[i] >=", "words[0] >="),
    m(dropout, DROPOUT, "min(params.n - start, 4u)", "min(params.n - start, 3u)"),
    m(layer_norm, ROW, "width = ROW_GROUP / 2u", "width = ROW_GROUP / 4u"),
    m(layer_norm, ROW, "+= row_partial[local + width]", "= row_partial[local + width]"),
    m(layer_norm, ROW, "let total = row_partial[0];", "let total = row_partial[1];"),
    m(layer_norm, ROW, "    row_partial[local] = value;\n    workgroupBarrier();", "    row_partial[local] = value;")
        .open(&[], RACE),
    m(layer_norm, MOMENTS, "sum += x[base + j];", "sum += x[j];"),
    m(
        layer_norm,
        MOMENTS,
        "let mean = row_sum(sum, local) / f32(params.cols);",
        "let mean = row_sum(sum, local) / f32(params.rows);",
    ),
    m(layer_norm, MOMENTS, "distance * distance", "distance"),
    m(layer_norm, MOMENTS, "let distance = x[base + j] - mean;", "let distance = x[base + j];"),
    m(
        layer_norm,
        MOMENTS,
        "row_sum(squares, local) / f32(params.cols)",
        "row_sum(squares, local) / f32(params.cols - 1u)",
    ),
    m(layer_norm, MOMENTS, "variance + params.eps", "variance"),
    m(layer_norm, MOMENTS, "inverseSqrt(variance + params.eps)", "1.0 / (variance + params.eps)"),
    m(layer_norm, "layer_norm.wgsl", "* weight[j] + bias[j]", "* weight[j] - bias[j]"),
    m(layer_norm, "layer_norm.wgsl", "- m.mean) * m.rstd", ") * m.rstd"),
    m(layer_norm, "layer_norm.wgsl", "weight[j] + bias[j]", "weight[row] + bias[j]"),
    m(layer_norm_grad, LAYER_GRAD, "let g = weight[j] * dy[base + j];", "let g = dy[base + j];"),
    m(layer_norm_grad, LAYER_GRAD, "product += g *", "product += dy[base + j] *"),
    m(layer_norm_grad, LAYER_GRAD, "- mean_g) -", ") -"),
    m(layer_norm_grad, LAYER_GRAD, "- xhat * mean_product)", "+ xhat * mean_product)"),
    m(layer_norm_grad, LAYER_GRAD, "dx[base + j] = m.rstd * (", "dx[base + j] = ("),
    m(
        layer_norm_grad,
        LAYER_GRAD,
        "each[base + j] = dy[base + j] * xhat;",
        "each[base + j] = weight[j] * dy[base + j] * xhat;",
    ),
    m(batch_moments, BATCH_MOMENTS, "let n = count[step[0]];", "let n = params.rows;"),
    m(batch_moments, BATCH_MOMENTS, "let n = count[step[0]];", "let n = count[0];"),
    m(batch_moments, BATCH_MOMENTS, "- mean_x;", ";"),
    m(
        batch_moments,
        BATCH_MOMENTS,
        "variance[col] = squares / f32(n);",
        "variance[col] = squares / f32(max(n, 2u) - 1u);",
    ),
    m(batch_moments, BATCH_MOMENTS, "(squares / f32(n - 1u))", "(squares / f32(n))"),
    m(batch_moments, BATCH_MOMENTS, "n > 1u", "n > 2u"),
    m(batch_moments, BATCH_MOMENTS, "params.momentum * mean_x", "mean_x"),
    m(batch_moments, BATCH_MOMENTS, "params.one_minus_momentum * running_mean[col]", "running_mean[col]"),
    m(batch_moments, BATCH_MOMENTS, "counted[0] = n;", "counted[0] = params.rows;"),
    m(batch_moments, BATCH_MOMENTS, "if (col == 0u) {", "if (col == 1u) {"),
    m(batch_norm, "batch_norm.wgsl", "i % params.cols", "i / params.cols"),
    m(batch_norm, "batch_norm.wgsl", "variance[j] + params.eps", "variance[j]"),
    m(batch_norm, "batch_norm.wgsl", "inverseSqrt(variance[j] + params.eps)", "(variance[j] + params.eps)"),
    m(batch_norm, "batch_norm.wgsl", "* weight[j] + bias[j]", "* bias[j] + weight[j]"),
    m(batch_norm, "batch_norm.wgsl", "i < params.rows * params.cols", "i + 1u < params.rows * params.cols"),
    m(batch_norm_grad, BATCH_GRAD, "let n = counted[0];", "let n = params.rows;"),
    m(batch_norm_grad, BATCH_GRAD, "if (!BATCH) {", "if (BATCH) {"),
    m(batch_norm_grad, BATCH_GRAD, "- mean_dy) -", ") -"),
    m(batch_norm_grad, BATCH_GRAD, "- xhat * mean_product)", "+ xhat * mean_product)"),
    m(
        batch_norm_grad,
        BATCH_GRAD,
        "let mean_product = product / f32(n);",
        "let mean_product = product / f32(params.rows);",
    ),
    m(batch_norm_grad, BATCH_GRAD, "weight[col] * rstd * (", "rstd * ("),
    m(batch_norm_grad, BATCH_GRAD, "weight[col] * rstd * dy[i]", "weight[col] * dy[i]"),
    m(batch_norm_grad, BATCH_GRAD, "dx[row * params.cols + col] = 0.0;", ""),
    m(batch_norm_grad, BATCH_GRAD, "each[row * params.cols + col] = 0.0;", ""),
];
