//! How many elements each binding of a dispatch must hold, from what the kernel's text indexes.

use crate::kernels::{Args, Kernel};

/// Elements of every binding that `kernel` touches with `args`, in the row's order, for tables of `steps` rows.
///
/// `data` of `gather_rows`, `x` of the products that gather and `target_class`, may have any number of rows, decided by the index table's
/// contents: one row is counted.
/// A `z` that is not kept is bound and never touched: one element, because a binding cannot be empty.
pub fn extents(kernel: Kernel, args: &Args, steps: usize) -> Vec<usize> {
    let n = || args.size(0);
    let area = || args.size(0) * args.size(1);
    // A table's rows are `stride` apart; stride 0 is one row for every step.
    let table = |stride: usize, row: usize| (steps - 1) * stride + row;
    match kernel.name {
        "matmul"
        | "matmul_bias_act"
        | "matmul_act_grad"
        | "matmul_col_sum"
        | "gather_matmul_bias_act"
        | "gather_matmul_col_sum"
        | "dense_cross_entropy" => products(kernel, args, steps),
        "col_sum" => vec![area(), args.size(0).div_ceil(args.size(2)) * args.size(1)],
        "gather_rows" => vec![1, table(args.size(2), args.size(0)), args.size(1), area()],
        "weighted_sum" => vec![n(), table(args.size(1), n()), steps, 1],
        "add_bias" => vec![area(), args.size(1), area()],
        "copy_window" => {
            let [rows, cols, stride, first] = args.sizes();
            vec![first + (rows - 1) * stride + cols, rows * cols]
        }
        "join_columns" => {
            let [rows, cols_a, cols_b] = args.sizes();
            vec![rows * cols_a, rows * cols_b, rows * (cols_a + cols_b)]
        }
        "dropout" | "layer_norm" | "layer_norm_grad" | "batch_moments" | "batch_norm" | "batch_norm_grad" => {
            layer(kernel, args, steps)
        }
        "advance" => vec![1],
        "square_sum" => vec![n().next_multiple_of(4), n().div_ceil(crate::kernels::SQUARE_SUM_PART)],
        "clip_norm" => vec![n(), 1, n()],
        "find_nonfinite" => vec![n().next_multiple_of(4), 1],
        "clip_value" | "identity" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "gelu" | "gelu_tanh" | "silu"
        | "softplus" => vec![n(); 2],
        "add" | "identity_grad" | "sigmoid_grad" | "tanh_grad" | "relu_grad" | "leaky_relu_grad" | "gelu_grad"
        | "gelu_tanh_grad" | "silu_grad" | "softplus_grad" => vec![n(); 3],
        "softmax" => vec![area(); 2],
        "softmax_grad" => vec![area(); 3],
        "cross_entropy" => vec![1, area(), n(), table(args.size(2), n()), n(), area()],
        "half_squared_error" | "mse" | "mae" | "huber" | "binary_cross_entropy" | "bce_with_logits" | "hinge" => {
            vec![1, area(), area(), table(args.size(2), n()), n(), area()]
        }
        // What is left are the optimizers' steps.
        _ => optimizer(args, steps, kernel.bindings.len() - 3),
    }
}

/// Kernels that multiply matrices.
fn products(kernel: Kernel, args: &Args, steps: usize) -> Vec<usize> {
    let [m, n, k] = args.sizes();
    let z = if args.constant("KEEP_Z") == 0.0 { 1 } else { m * n };
    let table = |stride: usize, row: usize| (steps - 1) * stride + row;
    match kernel.name {
        "matmul" => {
            vec![m * k, k * n, m * n]
        }
        "matmul_bias_act" => {
            vec![m * k, n * k, n, m * n, z]
        }
        "matmul_act_grad" => {
            vec![m * k, k * n, m * n, m * n]
        }
        "matmul_col_sum" => {
            vec![k * m, k * n, m * n, m]
        }
        "gather_matmul_bias_act" => {
            let stride = args.size(3);
            vec![1, table(stride, m), k, n * k, n, m * n, z]
        }
        "gather_matmul_col_sum" => {
            let stride = args.size(3);
            vec![1, table(stride, k), k * m, n, m * n, m]
        }
        "dense_cross_entropy" => {
            let [index, upstream, bias_at] = [3, 4, 5].map(|i| args.size(i));
            vec![1, table(index, m), m * k, bias_at + n, 1, table(upstream, m), m * k, m, m * n, m * k]
        }
        _ => unreachable!("{} multiplies no matrices", kernel.name),
    }
}

/// Layers beside dense ones.
fn layer(kernel: Kernel, args: &Args, steps: usize) -> Vec<usize> {
    let (n, cols, area) = (args.size(0), args.size(1), args.size(0) * args.size(1));
    match kernel.name {
        "dropout" => vec![1, 4 * steps, n, n],
        "layer_norm" => vec![area, cols, cols, area],
        "layer_norm_grad" => vec![area, area, cols, area, area],
        "batch_moments" => vec![1, steps, area, cols, cols, 1, cols, cols],
        "batch_norm" => vec![area, cols, cols, cols, cols, area],
        _ => vec![area, area, cols, cols, 1, cols, area, area],
    }
}

/// step, hyper, grad, and the parameter with its states.
fn optimizer(args: &Args, steps: usize, written: usize) -> Vec<usize> {
    let mut lengths = vec![1, steps * args.size(1), args.size(0)];
    lengths.extend(std::iter::repeat_n(args.size(0), written));
    lengths
}
