//! Softmax, row by row, and its gradient, which takes the output p. Shapes: `[rows, cols]`.

use super::bound::{self, DIV, EXP, TINY, U};
use super::conformance::{Case, Scale, Values, extreme};
use super::cpu::elementwise::each_part;
use super::cpu::log_sum::{BELOW_TINY, LogSum, share};
use super::definition::{BoundCall, Call, Definition, kernels, read, write};
use super::philox::Philox;
use super::scalar::Scalar;

kernels! {
    /// y_ij = exp(x_ij - m_i) / sum_k exp(x_ik - m_i), m_i = max_k x_ik. Shapes: x, y `[rows, cols]`. Order of sums:
    /// columns ascending. Numerics: the largest element of a row has exp(0) = 1, so that the sum is at least 1 and
    /// nothing overflows.
    softmax: "softmax.wgsl", softmax, softmax_bound,
    "(t + sum p t + gamma(cols) + DIV) * p, t = EXP + u |x - max|" {
        bindings: &[read("x").matrix().of(Values::Extreme), write("y").matrix()],
        flops: |a| 5 * a.area(), bytes: |a| 8 * a.area(),
        ..Definition::ROW_WISE
    }
    /// dx_ij = p_ij * ((dy_ij - dy_ik) - s_i), s_i = sum_j p_ij (dy_ij - dy_ik), k the first maximum of row i of p.
    /// Shapes: dy, p, dx `[rows, cols]`; p is the output of softmax. Order of sums: columns ascending. Numerics:
    /// shifted by dy_ik, the large term of the sum is exactly 0 where the row is saturated.
    softmax_grad: "softmax_grad.wgsl", softmax_grad, softmax_grad_bound,
    "p * (gamma(cols + 1) * sum p|dy - dy_k| + 2u |dy - dy_k|) + u |dx|" {
        bindings: &[read("dy").matrix(), read("p").matrix().of(Values::Own(probabilities)), write("dx").matrix()],
        flops: |a| 5 * a.area(), bytes: |a| 12 * a.area(),
        ..Definition::ROW_WISE
    }
}

fn softmax_row<T: Scalar>(y: &mut [T], x: &[T]) {
    let largest = x.iter().copied().fold(T::neg_infinity(), T::max);
    let mut sum = T::zero();
    for (y, &x) in y.iter_mut().zip(x) {
        *y = (x - largest).exp_safe();
        sum += *y;
    }
    for y in y {
        *y /= sum;
    }
}

fn softmax<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let x = call.inputs[0].f();
    let [y] = call.outputs();
    each_part([y], [x], cols, |_, [y], [x]| {
        y.chunks_mut(cols).zip(x.chunks(cols)).for_each(|(y, x)| softmax_row(y, x));
    });
}

/// The error bound.
fn softmax_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let (x, p) = (&call.inputs[0], &call.after[0]);
    let rows = x.value.chunks(cols).zip(x.error.chunks(cols)).zip(p.chunks(cols));
    vec![rows.flat_map(|((x, e), p)| value_row_bound(x, e, p)).collect()]
}

/// Bounds one row with inputs `x`, their errors `e` and the exact result `p`.
///
/// Carried part: p_i = exp(x_i) / sum_k exp(x_k) rises with x_i and falls with the others: both extremes lie at corners of
/// the intervals and are taken exactly. Local part, relative: the rounding of z = x - max shifts the exponent by u|z|, exp;
/// the same in the sum, weighted with p; gamma of the sum; a division.
fn value_row_bound(x: &[f64], e: &[f64], p: &[f64]) -> Vec<f64> {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let widest = e.iter().copied().fold(0.0, f64::max);
    let term = |i: usize| {
        let reach = e[i] + widest;
        let shift = U * (largest - x[i] + reach);
        if x[i] - largest + reach + shift < BELOW_TINY { 0.0 } else { EXP + shift.exp_m1() }
    };
    // Weights of terms may themselves have moved by the carried error.
    let mean: f64 = (0..x.len()).map(|i| p[i] * term(i)).sum::<f64>() * (2.0 * widest).exp();
    let sum = mean + bound::gamma(x.len()) + x.len() as f64 * TINY;
    let low = LogSum::of(x.iter().zip(e).map(|(x, e)| x - e));
    let high = LogSum::of(x.iter().zip(e).map(|(x, e)| x + e));
    let rule = |i: usize| {
        let (down, up) = (x[i] - e[i], x[i] + e[i]);
        let rise = share(up, low.without(i, down)) - p[i];
        let fall = p[i] - share(down, high.without(i, up));
        let carried = if widest == 0.0 { 0.0 } else { rise.max(fall).clamp(0.0, 1.0) };
        let relative = term(i) + sum + DIV;
        let local = if relative < 1.0 { relative / (1.0 - relative) * (p[i] + carried) } else { f64::INFINITY };
        // However far the inputs are off, the computed sum is at least each of its terms: a rounded sum of numbers that
        // are not negative does not fall. Two numbers between 0 and 1 (give or take a division) are at most that apart.
        (carried + local + 2.0 * TINY).min(1.0 + DIV)
    };
    (0..x.len()).map(rule).collect()
}

/// The first maximum of a row, 0 where all elements are NaN.
fn first_max<T: Scalar>(p: &[T]) -> usize {
    let mut best = (0, T::neg_infinity());
    for (j, &v) in p.iter().enumerate() {
        if v > best.1 {
            best = (j, v);
        }
    }
    best.0
}

fn softmax_grad_row<T: Scalar>(dx: &mut [T], dy: &[T], p: &[T]) {
    let shift = dy[first_max(p)];
    let mut sum = T::zero();
    for (&dy, &p) in dy.iter().zip(p) {
        sum += p * (dy - shift);
    }
    for ((dx, &dy), &p) in dx.iter_mut().zip(dy).zip(p) {
        *dx = p * ((dy - shift) - sum);
    }
}

fn softmax_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (dy, p) = (call.inputs[0].f(), call.inputs[1].f());
    let [dx] = call.outputs();
    each_part([dx], [dy, p], cols, |_, [dx], [dy, p]| {
        let inputs = dy.chunks(cols).zip(p.chunks(cols));
        dx.chunks_mut(cols).zip(inputs).for_each(|(dx, (dy, p))| softmax_grad_row(dx, dy, p));
    });
}

/// The error bound.
fn softmax_grad_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let (dy, p) = (&call.inputs[0], &call.inputs[1]);
    let dy_rows = dy.value.chunks(cols).zip(dy.error.chunks(cols));
    let p_rows = p.value.chunks(cols).zip(p.error.chunks(cols));
    vec![dy_rows.zip(p_rows).flat_map(|((dy, edy), (p, ep))| gradient_row_bound(dy, edy, p, ep)).collect()]
}

/// Bounds one row: values and errors of dy and of p.
///
/// The result does not depend on k as long as p sums to 1, so the analysis may follow any k that the computed p can
/// have its maximum at: `drift` is how far dy_k lies apart among these, 0 where k is certain. Then D_j = dy_j - dy_k
/// carries both errors and a rounding (and is exactly 0 for a certain k), the sum the products' errors and gamma, and
/// the result a difference and a product.
fn gradient_row_bound(dy: &[f64], edy: &[f64], p: &[f64], ep: &[f64]) -> Vec<f64> {
    let k = first_max(p);
    let floor = p[k] - ep[k];
    let candidates = || (0..p.len()).filter(|&j| j == k || p[j] + ep[j] >= floor);
    let certain = candidates().nth(1).is_none();
    let drift = candidates().map(|j| (dy[j] - dy[k]).abs()).fold(0.0, f64::max);
    let shift_error = candidates().map(|j| edy[j]).fold(0.0, f64::max);
    let difference = |j: usize| {
        if j == k && certain {
            return (0.0, 0.0);
        }
        let (size, carried) = ((dy[j] - dy[k]).abs() + drift, edy[j] + shift_error);
        (size, carried + U * (size + carried) + TINY)
    };
    let (mut size, mut error) = (0.0, 0.0);
    for j in 0..p.len() {
        let (d, ed) = difference(j);
        size += (p[j] + ep[j]) * (d + ed);
        error += p[j] * ed + ep[j] * d + ep[j] * ed + TINY;
    }
    // The rounding of every product and of every sum.
    let sum_error = error + bound::gamma(p.len() + 1) * size;
    let exact_sum: f64 = (0..p.len()).map(|j| p[j] * (dy[j] - dy[k])).sum();
    let rule = |j: usize| {
        let exact = (dy[j] - dy[k]) - exact_sum;
        let carried = difference(j).1 + sum_error;
        bound::product(p[j], ep[j], exact, carried + U * (exact.abs() + carried) + TINY)
    };
    (0..p.len()).map(rule).collect()
}

/// Rows that sum to 1, as softmax gives them.
fn probabilities(case: &Case, len: usize, scale: Scale, rng: &mut Philox) -> Vec<f64> {
    let [rows, cols] = case.args.sizes();
    let mut values = Vec::with_capacity(len);
    for _ in 0..rows {
        let logits: Vec<f64> = (0..cols).map(|_| extreme(rng, scale)).collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|z| (z - top).exp()).sum();
        values.extend(logits.iter().map(|z| (z - top).exp() / sum));
    }
    values
}
