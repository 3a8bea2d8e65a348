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
    match kernel {
        Kernel::matmul
        | Kernel::matmul_bias_act
        | Kernel::matmul_act_grad
        | Kernel::matmul_col_sum
        | Kernel::gather_matmul_bias_act
        | Kernel::gather_matmul_col_sum
        | Kernel::dense_cross_entropy => products(kernel, args, steps),
        Kernel::col_sum => vec![area(), args.size(0).div_ceil(args.size(2)) * args.size(1)],
        Kernel::gather_rows => vec![1, table(args.size(2), args.size(0)), args.size(1), area()],
        Kernel::weighted_sum => vec![n(), table(args.size(1), n()), steps, 1],
        Kernel::add_bias => vec![area(), args.size(1), area()],
        Kernel::copy_window => {
            let [rows, cols, stride, first] = args.sizes();
            vec![first + (rows - 1) * stride + cols, rows * cols]
        }
        Kernel::join_columns => {
            let [rows, cols_a, cols_b] = args.sizes();
            vec![rows * cols_a, rows * cols_b, rows * (cols_a + cols_b)]
        }
        Kernel::dropout
        | Kernel::layer_norm
        | Kernel::layer_norm_grad
        | Kernel::batch_moments
        | Kernel::batch_norm
        | Kernel::batch_norm_grad => layer(kernel, args, steps),
        Kernel::advance => vec![1],
        Kernel::square_sum => vec![n().next_multiple_of(4), n().div_ceil(crate::kernels::SQUARE_SUM_PART)],
        Kernel::clip_norm => vec![n(), 1, n()],
        Kernel::find_nonfinite => vec![n().next_multiple_of(4), 1],
        Kernel::clip_value
        | Kernel::identity
        | Kernel::sigmoid
        | Kernel::tanh
        | Kernel::relu
        | Kernel::leaky_relu
        | Kernel::gelu
        | Kernel::gelu_tanh
        | Kernel::silu
        | Kernel::softplus => vec![n(); 2],
        Kernel::add
        | Kernel::identity_grad
        | Kernel::sigmoid_grad
        | Kernel::tanh_grad
        | Kernel::relu_grad
        | Kernel::leaky_relu_grad
        | Kernel::gelu_grad
        | Kernel::gelu_tanh_grad
        | Kernel::silu_grad
        | Kernel::softplus_grad => vec![n(); 3],
        Kernel::softmax => vec![area(); 2],
        Kernel::softmax_grad => vec![area(); 3],
        Kernel::cross_entropy => vec![1, area(), n(), table(args.size(2), n()), n(), area()],
        Kernel::half_squared_error
        | Kernel::mse
        | Kernel::mae
        | Kernel::huber
        | Kernel::binary_cross_entropy
        | Kernel::bce_with_logits
        | Kernel::hinge => vec![1, area(), area(), table(args.size(2), n()), n(), area()],
        // What is left are the optimizers' steps.
        _ => optimizer(args, steps, kernel.row().bindings.len() - 3),
    }
}

/// Kernels that multiply matrices.
fn products(kernel: Kernel, args: &Args, steps: usize) -> Vec<usize> {
    let [m, n, k] = args.sizes();
    let z = if args.constant("KEEP_Z") == 0.0 { 1 } else { m * n };
    let table = |stride: usize, row: usize| (steps - 1) * stride + row;
    match kernel {
        Kernel::matmul => {
            vec![m * k, k * n, m * n]
        }
        Kernel::matmul_bias_act => {
            vec![m * k, n * k, n, m * n, z]
        }
        Kernel::matmul_act_grad => {
            vec![m * k, k * n, m * n, m * n]
        }
        Kernel::matmul_col_sum => {
            vec![k * m, k * n, m * n, m]
        }
        Kernel::gather_matmul_bias_act => {
            let stride = args.size(3);
            vec![1, table(stride, m), k, n * k, n, m * n, z]
        }
        Kernel::gather_matmul_col_sum => {
            let stride = args.size(3);
            vec![1, table(stride, k), k * m, n, m * n, m]
        }
        Kernel::dense_cross_entropy => {
            let [index, upstream, bias_at] = [3, 4, 5].map(|i| args.size(i));
            vec![1, table(index, m), m * k, bias_at + n, 1, table(upstream, m), m * k, m, m * n, m * k]
        }
        _ => unreachable!("{} multiplies no matrices", kernel.name()),
    }
}

/// Layers beside dense ones.
fn layer(kernel: Kernel, args: &Args, steps: usize) -> Vec<usize> {
    let (n, cols, area) = (args.size(0), args.size(1), args.size(0) * args.size(1));
    match kernel {
        Kernel::dropout => vec![1, 4 * steps, n, n],
        Kernel::layer_norm => vec![area, cols, cols, area],
        Kernel::layer_norm_grad => vec![area, area, cols, area, area],
        Kernel::batch_moments => vec![1, steps, area, cols, cols, 1, cols, cols],
        Kernel::batch_norm => vec![area, cols, cols, cols, cols, area],
        _ => vec![area, area, cols, cols, 1, cols, area, area],
    }
}

/// step, hyper, grad, and the parameter with its states.
fn optimizer(args: &Args, steps: usize, written: usize) -> Vec<usize> {
    let mut lengths = vec![1, steps * args.size(1), args.size(0)];
    lengths.extend(std::iter::repeat_n(args.size(0), written));
    lengths
}
