//! Layers beside dense ones: dropout and its random numbers.

use super::{Mutation, m};
use wgrad::kernels::Kernel::*;

const PHILOX: &str = "lib/philox.wgsl";
const DROPOUT: &str = "dropout.wgsl";

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
];
