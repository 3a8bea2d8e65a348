//! What a dispatch costs: workgroups, floating-point operations, bytes. One module for each family of kernels.
//!
//! FLOPs count every arithmetic operation and every built-in once. Bytes count each element of each binding once, four
//! bytes an element: what must move even with a perfect cache.

use super::definition::Args;
use super::{Engine, MATMUL_SIDE, ROW_LANES, SQUARE_SUM_PART};

fn lines(n: usize) -> u64 {
    n.div_ceil(64) as u64
}

/// Workgroups where an invocation takes WORDS words of four.
fn strips(args: &Args) -> u64 {
    lines(args.size(0).div_ceil(4).div_ceil((args.constant("WORDS") as usize).max(1)))
}

pub(super) fn row_groups(args: &Args) -> u64 {
    let lanes = (args.constant("LANES") as usize).max(1);
    args.size(0).div_ceil(ROW_LANES / lanes) as u64
}

macro_rules! family {
    ($(#[$doc:meta])* $name:ident, |$args:ident| groups: $groups:expr, flops: $flops:expr, bytes: $bytes:expr) => {
        $(#[$doc])*
        pub mod $name {
            #[allow(unused_imports, reason = "not every family needs every helper")]
            use super::*;
            pub fn groups($args: &Args) -> u64 { $groups }
            #[allow(unused_variables, reason = "a copy costs no FLOPs")]
            pub fn flops($args: &Args) -> u64 { $flops as u64 }
            pub fn bytes($args: &Args) -> u64 { 4 * ($bytes as u64) }
        }
    };
}

/// Invocations on a side of a product's workgroup: the constant SIDE, or its default in the shader.
fn matmul_side(args: &Args) -> usize {
    match args.constant("SIDE") as usize {
        0 => MATMUL_SIDE,
        side => side,
    }
}

fn tiles(args: &Args) -> u64 {
    let [m, n, _] = args.sizes();
    let [rows, cols] = match Engine::of(args) {
        Engine::Tile => [4 * matmul_side(args); 2],
        Engine::Broadcast => ["BLOCKS", "LANES"].map(|name| 4 * args.constant(name) as usize),
    };
    (m.div_ceil(rows) * n.div_ceil(cols)) as u64
}

/// Rows of a workgroup of `dense_cross_entropy`: the constant WIDTH, or its default in the shader.
fn head_width(args: &Args) -> usize {
    match args.constant("WIDTH") as usize {
        0 => 8,
        width => width,
    }
}

fn product_flops(args: &Args) -> usize {
    let [m, n, k] = args.sizes();
    2 * m * n * k
}

fn product_elements(args: &Args) -> usize {
    let [m, n, k] = args.sizes();
    m * k + n * k + m * n
}

pub(super) fn area(args: &Args) -> usize {
    args.size(0) * args.size(1)
}

family!(matmul, |a| groups: tiles(a), flops: product_flops(a), bytes: product_elements(a));
family!(matmul_bias_act, |a| groups: tiles(a),
    flops: product_flops(a) + a.size(0) * a.size(1) * if a.constant("ACT") == 0.0 { 1 } else { 2 },
    bytes: product_elements(a) + a.size(1) + if a.constant("KEEP_Z") == 0.0 { 0 } else { area(a) });
family!(matmul_act_grad, |a| groups: tiles(a), flops: product_flops(a) + 2 * area(a), bytes: product_elements(a) + area(a));
family!(matmul_col_sum, |a| groups: tiles(a), flops: product_flops(a) + a.size(0) * a.size(2),
    bytes: product_elements(a) + a.size(0));
family!(gather_matmul_bias_act, |a| groups: tiles(a), flops: matmul_bias_act::flops(a),
    bytes: matmul_bias_act::bytes(a) as usize / 4 + a.size(0));
family!(gather_matmul_col_sum, |a| groups: tiles(a), flops: matmul_col_sum::flops(a),
    bytes: matmul_col_sum::bytes(a) as usize / 4 + a.size(2));
family!(col_sum, |a| groups: lines(a.size(1) * a.size(0).div_ceil(a.size(2))),
    flops: area(a), bytes: area(a) + a.size(1) * a.size(0).div_ceil(a.size(2)));
family!(gather_rows, |a| groups: lines(area(a).div_ceil(4)), flops: 0, bytes: 2 * area(a) + a.size(0));
family!(weighted_sum, |_a| groups: 1, flops: 2 * _a.size(0), bytes: 2 * _a.size(0) + 2);
family!(unary, |a| groups: lines(a.size(0)), flops: a.size(0), bytes: 2 * a.size(0));
family!(unary_grad, |a| groups: lines(a.size(0)), flops: 2 * a.size(0), bytes: 3 * a.size(0));
// Ten rounds of about 40 integer operations a block of four count as 100 an element.
family!(dropout, |a| groups: lines(a.size(0).div_ceil(4)), flops: 101 * a.size(0), bytes: 2 * a.size(0) + 5);
family!(add_bias, |a| groups: lines(area(a)), flops: area(a), bytes: 2 * area(a) + a.size(1));
family!(copy_window, |a| groups: lines(area(a)), flops: 0, bytes: 2 * area(a));
family!(join_columns, |a| groups: lines(a.size(0) * (a.size(1) + a.size(2))), flops: 0,
    bytes: 2 * a.size(0) * (a.size(1) + a.size(2)));
family!(find_nonfinite, |a| groups: lines(a.size(0).div_ceil(4)), flops: 2 * a.size(0), bytes: a.size(0) + 1);
family!(square_sum, |a| groups: a.size(0).div_ceil(SQUARE_SUM_PART) as u64, flops: 2 * a.size(0),
    bytes: a.size(0) + a.size(0).div_ceil(SQUARE_SUM_PART));
family!(clip_norm, |a| groups: lines(a.size(0)), flops: a.size(0), bytes: 2 * a.size(0) + 1);
family!(advance, |_a| groups: 1, flops: 0, bytes: 2);
family!(softmax, |a| groups: row_groups(a), flops: 5 * area(a), bytes: 2 * area(a));
family!(softmax_grad, |a| groups: row_groups(a), flops: 5 * area(a), bytes: 3 * area(a));
family!(layer_norm, |a| groups: row_groups(a), flops: 8 * area(a), bytes: 2 * area(a) + 2 * a.size(1));
family!(layer_norm_grad, |a| groups: row_groups(a), flops: 16 * area(a), bytes: 4 * area(a) + a.size(1));
family!(batch_moments, |a| groups: lines(a.size(1)), flops: 4 * area(a), bytes: area(a) + 6 * a.size(1) + 2);
family!(batch_norm, |a| groups: lines(area(a)), flops: 6 * area(a), bytes: 2 * area(a) + 4 * a.size(1));
family!(batch_norm_grad, |a| groups: lines(a.size(1)), flops: 14 * area(a), bytes: 4 * area(a) + 3 * a.size(1) + 1);
family!(dense_cross_entropy, |a| groups: a.size(0).div_ceil(head_width(a)) as u64,
    flops: 2 * product_flops(a) + 7 * a.size(0) * a.size(1) + 2 * a.size(0) * a.size(2),
    bytes: 3 * a.size(0) * a.size(2) + a.size(1) * a.size(2) + a.size(1) + a.size(0) * a.size(1) + 4 * a.size(0));
family!(sgd_step, |a| groups: strips(a), flops: 4 * a.size(0), bytes: 3 * a.size(0));
family!(sgd_momentum_step, |a| groups: strips(a), flops: 7 * a.size(0), bytes: 5 * a.size(0));
family!(nadam_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 17 * a.size(0), bytes: 7 * a.size(0));
family!(rmsprop_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 11 * a.size(0), bytes: 5 * a.size(0));
family!(rmsprop_momentum_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 13 * a.size(0), bytes: 7 * a.size(0));
family!(rmsprop_centered_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 18 * a.size(0), bytes: 9 * a.size(0));
family!(adagrad_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 9 * a.size(0), bytes: 5 * a.size(0));
family!(lion_step, |a| groups: lines(a.size(0).div_ceil(4)), flops: 10 * a.size(0), bytes: 5 * a.size(0));
family!(adam_step, |a| groups: strips(a), flops: 15 * a.size(0), bytes: 7 * a.size(0));
