//! Normalisation: over a row, over the batch.

use super::conformance::{Shape, Values, columns, row_wise};
use super::cpu::carried::Carried;
use super::cpu::elementwise::each_part;
use super::cpu::moments::{mean as mean_of, moments, rstd};
use super::definition::{
    Args, BoundCall, Call, Definition, Out, Param, kernels, lines, read, read_u32, step, update, write, write_u32,
};
use super::loss::rows::{lanes, row_sum, row_sum_depth};
use super::scalar::Scalar;

/// The parameter of a conformance case.
const EPS: &[Param] = &[Param::F(1e-5)];

/// Features of a sample, which is `groups` rows of `cols` numbers.
fn features(a: &Args) -> usize {
    if is_affine(a) { a.size(1) * a.size(3) } else { 1 }
}

fn is_affine(a: &Args) -> bool {
    a.constant("AFFINE") != 0.0
}

/// Rows that are samples; behind them rows that are groups of a sample, in a block that begins within a sample, and without weight.
fn grouped_rows() -> Vec<Shape> {
    let of = |groups: u32, start: u32, affine: f64| {
        let tail = [Param::F(1e-5), Param::U(groups), Param::U(start)];
        row_wise(&tail).into_iter().map(move |shape| shape.with(&[("AFFINE", affine)]))
    };
    let some = |groups, start, affine| of(groups, start, affine).skip(4).step_by(3);
    of(1, 0, 1.0).chain(some(3, 2, 1.0)).chain(some(2, 0, 0.0)).collect()
}

kernels! {
    /// y_ij = xhat_ij * weight_k + bias_k, xhat_ij = (x_ij - mean_i) / sqrt(variance_i + eps), over each row. A sample is `groups` rows
    /// one after the other, k = (i mod groups) * cols + j; where AFFINE is 0 weight is 1 and bias 0, whatever is bound. Shapes: x, y
    /// `[rows, cols]`, weight, bias `[groups * cols]`. Order of sums: as in the shader for the same LANES. Numerics: the variance in
    /// two passes; gamma of a row's sums.
    layer_norm: "layer_norm.wgsl", layer_norm, layer_norm_bound,
    "the formula over values with errors: gamma(depth) for the sums of a row, RSQRT = 4u for inverseSqrt" {
        bindings: &[
            read("x").matrix().of(Values::Extreme), read("weight").whole(|a, _| features(a)).of(Values::Weight),
            read("bias").whole(|a, _| features(a)), write("y").matrix(),
        ],
        params: &["rows", "cols", "eps", "groups", "start"], start: Some(4),
        flops: |a| 8 * a.area(), bytes: |a| 4 * (2 * a.area() + 2 * features(a) as u64), shapes: |_| grouped_rows(),
        ..Definition::ROW_WISE
    }
    /// With g_ij = weight_k dy_ij, xhat and k of layer_norm, dx_ij = rstd_i ((g_ij - mean_i(g)) - xhat_ij mean_i(g xhat));
    /// each_ij = dy_ij xhat_ij. Shapes: dy, x, dx, each `[rows, cols]`, weight `[groups * cols]`. Order of sums: as in the
    /// shader for the same LANES. Numerics: as `layer_norm`.
    layer_norm_grad: "layer_norm_grad.wgsl", layer_norm_grad, layer_norm_grad_bound,
    "the formula over values with errors, as layer_norm" {
        bindings: &[
            read("dy").matrix(), read("x").matrix().of(Values::Extreme),
            read("weight").whole(|a, _| features(a)).of(Values::Weight), write("dx").matrix(), write("each").matrix(),
        ],
        params: &["rows", "cols", "eps", "groups", "start"], start: Some(4),
        flops: |a| 16 * a.area(), bytes: |a| 4 * (4 * a.area() + features(a) as u64), shapes: |_| grouped_rows(),
        ..Definition::ROW_WISE
    }
    /// Mean and variance of each column of x over the first count rows, and the running statistics moved towards them.
    /// Shapes: x `[rows, cols]`, count `[steps]`; mean, variance, running_mean, running_var `[cols]`, counted `[1]`.
    /// Order of sums: rising row. Numerics: the variance in two passes; a batch of one row leaves running_var as it is.
    batch_moments: "batch_moments.wgsl", batch_moments, batch_moments_bound,
    "the formula over values with errors: gamma(count) for the sums of a column" {
        bindings: &[
            step(), read_u32("count").whole(|_, steps| steps).of(Values::Count), read("x").matrix().of(Values::Extreme),
            write("mean").columns(), write("variance").columns(), write_u32("counted").one(),
            update("running_mean").columns(), update("running_var").columns(),
        ],
        params: &["rows", "cols", "momentum", "one_minus_momentum"],
        groups: |a| lines(a.count(1)), flops: |a| 4 * a.area(), bytes: |a| 4 * (a.area() + 6 * a.count(1) + 2),
        rounds: |a| 2 * a.count(0) + 2, shapes: |_| columns(&[Param::F(0.1), Param::F(0.9)]),
        ..Definition::MATRIX
    }
    /// y_ij = (x_ij - mean_j) / sqrt(variance_j + eps) * weight_j + bias_j. Shapes: x, y `[rows, cols]`; mean,
    /// variance, weight, bias `[cols]`. No sums.
    batch_norm: "batch_norm.wgsl", batch_norm, batch_norm_bound,
    "the formula over values with errors: RSQRT = 4u for inverseSqrt" {
        bindings: &[
            read("x").matrix().of(Values::Extreme), read("mean").columns(), read("variance").columns().of(Values::Square),
            read("weight").columns().of(Values::Weight), read("bias").columns(), write("y").matrix(),
        ],
        params: &["rows", "cols", "eps"],
        flops: |a| 6 * a.area(), bytes: |a| 4 * (2 * a.area() + 4 * a.count(1)), divided: true, shapes: |_| columns(EPS),
        ..Definition::MATRIX
    }
    /// dx_ij = weight_j rstd_j ((dy_ij - mean_j(dy)) - xhat_ij mean_j(dy xhat)) over the first counted rows, the means
    /// 0 where mean and variance are constants; each_ij = dy_ij xhat_ij. Shapes: dy, x, dx, each `[rows, cols]`; mean,
    /// variance, weight `[cols]`; counted `[1]`. Order of sums: rising row. Numerics: as `batch_norm`; rows that
    /// fill a batch up leave 0.
    batch_norm_grad: "batch_norm_grad.wgsl", batch_norm_grad, batch_norm_grad_bound,
    "the formula over values with errors: gamma(count) for the sums of a column" {
        bindings: &[
            read("dy").matrix(), read("x").matrix().of(Values::Extreme), read("mean").columns(),
            read("variance").columns().of(Values::Square), read_u32("counted").one().of(Values::Count),
            read("weight").columns().of(Values::Weight), write("dx").matrix(), write("each").matrix(),
        ],
        params: &["rows", "cols", "eps"],
        groups: |a| lines(a.count(1)), flops: |a| 14 * a.area(), bytes: |a| 4 * (4 * a.area() + 3 * a.count(1) + 1),
        rounds: |a| 2 * a.count(0) + 2,
        shapes: |_| {
            let with = |batch: f64| columns(EPS).into_iter().map(move |s| s.with(&[("BATCH", batch)]));
            [1.0, 0.0].into_iter().flat_map(with).collect()
        },
        ..Definition::MATRIX
    }
}

/// Mean and 1 / sqrt(variance + eps) of a row.
#[inline(always)]
fn row_moments<T: Scalar>(x: &[T], lanes: usize, eps: T) -> (T, T) {
    let count = T::of(x.len() as f64);
    let sum = row_sum(x.len(), lanes, |from, terms| terms.copy_from_slice(&x[from..from + terms.len()]));
    let mean = sum / count;
    let squares = row_sum(x.len(), lanes, |from, terms| {
        for (term, &x) in terms.iter_mut().zip(&x[from..]) {
            *term = (x - mean) * (x - mean);
        }
    });
    (mean, T::one() / (squares / count + eps).sqrt())
}

/// What the features of a row are multiplied by, or what is added to them: the row's part of `all`, or the same number for each.
struct Scales<'a, T> {
    all: &'a [T],
    none: Vec<T>,
    groups: usize,
    start: usize,
}

impl<'a, T: Scalar> Scales<'a, T> {
    fn of(args: &Args, all: &'a [T], none: T) -> Self {
        let none = if is_affine(args) { Vec::new() } else { vec![none; args.size(1)] };
        Scales { all, none, groups: args.size(3), start: args.size(4) }
    }

    fn row(&self, row: usize, cols: usize) -> &[T] {
        let group = (self.start + row) % self.groups;
        if self.none.is_empty() { &self.all[group * cols..][..cols] } else { &self.none }
    }
}

fn layer_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (lanes, eps) = (lanes(call.args), T::of(call.args.number(2)));
    let x = call.inputs[0].f();
    let weight = Scales::of(call.args, call.inputs[1].f(), T::one());
    let bias = Scales::of(call.args, call.inputs[2].f(), T::zero());
    let [y] = call.outputs();
    each_part([y], [x], cols, |first, [y], [x]| {
        for (i, (y, x)) in y.chunks_mut(cols).zip(x.chunks(cols)).enumerate() {
            let (mean, rstd) = row_moments(x, lanes, eps);
            let (weight, bias) = (weight.row(first / cols + i, cols), bias.row(first / cols + i, cols));
            for ((y, &x), (&w, &b)) in y.iter_mut().zip(x).zip(weight.iter().zip(bias)) {
                *y = (x - mean) * rstd * w + b;
            }
        }
    });
}

/// As [`Scales`], with errors.
fn carried_scales(call: &BoundCall<'_>, input: usize, row: usize, none: f64) -> Vec<Carried> {
    let (cols, group) = (call.args.size(1), (call.args.size(4) + row) % call.args.size(3));
    if is_affine(call.args) {
        Carried::row(&call.inputs[input], group, cols)
    } else {
        vec![Carried::new(none, 0.0); cols]
    }
}

/// The error bound: the formula over values that carry errors.
fn layer_norm_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let (depth, eps) = (row_sum_depth(cols, call.args), call.args.number(2));
    let mut y = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let (weight, bias) = (carried_scales(call, 1, i, 1.0), carried_scales(call, 2, i, 0.0));
        let x = Carried::row(&call.inputs[0], i, cols);
        let (mean, variance) = moments(x.iter().copied(), depth, cols);
        let rstd = rstd(variance, eps);
        y.extend(x.iter().zip(weight.iter().zip(&bias)).map(|(x, (w, b))| ((*x - mean) * rstd * *w + *b).error));
    }
    vec![y]
}

fn layer_norm_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (lanes, eps) = (lanes(call.args), T::of(call.args.number(2)));
    let (dy, x) = (call.inputs[0].f(), call.inputs[1].f());
    let weight = Scales::of(call.args, call.inputs[2].f(), T::one());
    each_part(call.outputs(), [dy, x], cols, |first, [dx, each], [dy, x]| {
        let inputs = dy.chunks(cols).zip(x.chunks(cols));
        for (i, ((dx, each), (dy, x))) in dx.chunks_mut(cols).zip(each.chunks_mut(cols)).zip(inputs).enumerate() {
            row(dx, each, (dy, x, weight.row(first / cols + i, cols)), lanes, eps);
        }
    });
}

fn row<T: Scalar>(dx: &mut [T], each: &mut [T], (dy, x, weight): (&[T], &[T], &[T]), lanes: usize, eps: T) {
    let cols = x.len();
    let (mean, rstd) = row_moments(x, lanes, eps);
    let xhat = |j: usize| (x[j] - mean) * rstd;
    let sum = |term: &dyn Fn(usize) -> T| {
        row_sum(cols, lanes, |from, terms| terms.iter_mut().enumerate().for_each(|(k, t)| *t = term(from + k)))
    };
    let count = T::of(cols as f64);
    let mean_g = sum(&|j| weight[j] * dy[j]) / count;
    let mean_product = sum(&|j| weight[j] * dy[j] * xhat(j)) / count;
    for j in 0..cols {
        dx[j] = rstd * ((weight[j] * dy[j] - mean_g) - xhat(j) * mean_product);
        each[j] = dy[j] * xhat(j);
    }
}

/// The error bound: the formula over values that carry errors.
fn layer_norm_grad_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let (depth, eps) = (row_sum_depth(cols, call.args), call.args.number(2));
    let (mut dx, mut each) = (Vec::with_capacity(rows * cols), Vec::with_capacity(rows * cols));
    for i in 0..rows {
        let (dy, x) = (Carried::row(&call.inputs[0], i, cols), Carried::row(&call.inputs[1], i, cols));
        let weight = carried_scales(call, 2, i, 1.0);
        let (mean_x, variance) = moments(x.iter().copied(), depth, cols);
        let rstd = rstd(variance, eps);
        let xhat = |j: usize| (x[j] - mean_x) * rstd;
        let g = |j: usize| weight[j] * dy[j];
        let mean_g = mean_of((0..cols).map(g), depth, cols);
        let mean_product = mean_of((0..cols).map(|j| g(j) * xhat(j)), depth, cols);
        dx.extend((0..cols).map(|j| (rstd * ((g(j) - mean_g) - xhat(j) * mean_product)).error));
        each.extend((0..cols).map(|j| (dy[j] * xhat(j)).error));
    }
    vec![dx, each]
}

fn batch_moments<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let (momentum, rest) = (T::of(call.args.number(2)), T::of(call.args.number(3)));
    let n = call.inputs[1].u()[call.inputs[0].u()[0] as usize] as usize;
    let x = &call.inputs[2].f()[..n * cols];
    let [Out::F(mean), Out::F(variance), Out::U(counted), Out::F(running_mean), Out::F(running_var)] =
        &mut *call.outputs
    else {
        unreachable!("the row writes four vectors and a count")
    };
    let count = T::of(n as f64);
    mean.fill(T::zero());
    variance.fill(T::zero());
    // Row by row, because the columns of a row are neighbours; each column still adds its rows in rising order.
    for row in x.chunks(cols) {
        mean.iter_mut().zip(row).for_each(|(m, &x)| *m += x);
    }
    mean.iter_mut().for_each(|m| *m /= count);
    for row in x.chunks(cols) {
        for ((v, &m), &x) in variance.iter_mut().zip(mean.iter()).zip(row) {
            *v += (x - m) * (x - m);
        }
    }
    for (running, &m) in running_mean.iter_mut().zip(mean.iter()) {
        *running = rest * *running + momentum * m;
    }
    if n > 1 {
        for (running, &v) in running_var.iter_mut().zip(variance.iter()) {
            *running = rest * *running + momentum * (v / T::of((n - 1) as f64));
        }
    }
    variance.iter_mut().for_each(|v| *v /= count);
    counted[0] = n as u32;
}

/// The error bound: the formula over values that carry errors.
fn batch_moments_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [_, cols] = call.args.sizes();
    let [momentum, rest] = [2, 3].map(|i| Carried::rounded(call.args.number(i)));
    let n = call.inputs[1].value[call.inputs[0].value[0] as usize] as usize;
    let x = |i: usize| Carried::input(&call.inputs[2], i);
    let mut errors = vec![Vec::with_capacity(cols), Vec::with_capacity(cols), vec![0.0], Vec::new(), Vec::new()];
    for col in 0..cols {
        let (mean, variance) = moments((0..n).map(|row| x(row * cols + col)), n, n);
        errors[0].push(mean.error);
        errors[1].push(variance.error);
        let running = |i: usize| rest * Carried::input(&call.before[i], col);
        errors[3].push((running(3) + momentum * mean).error);
        errors[4].push(if n > 1 {
            // A division by n - 1 instead of n of the same sum: as good relatively.
            let ratio = n as f64 / (n - 1) as f64;
            (running(4) + momentum * Carried::new(ratio * variance.value, ratio * variance.error)).error
        } else {
            call.before[4].error[col]
        });
    }
    errors
}

fn batch_norm<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [_, cols] = call.args.sizes();
    let eps = T::of(call.args.number(2));
    let [x, mean, variance, weight, bias] = std::array::from_fn(|i| call.inputs[i].f());
    let rstd: Vec<T> = variance.iter().map(|&v| T::one() / (v + eps).sqrt()).collect();
    let [y] = call.outputs();
    each_part([y], [x], cols, |_, [y], [x]| {
        for (y, x) in y.chunks_mut(cols).zip(x.chunks(cols)) {
            for (j, (y, &x)) in y.iter_mut().zip(x).enumerate() {
                *y = (x - mean[j]) * rstd[j] * weight[j] + bias[j];
            }
        }
    });
}

/// The error bound: the formula over values that carry errors.
fn batch_norm_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let eps = call.args.number(2);
    let [mean, variance, weight, bias]: [Vec<Carried>; 4] =
        std::array::from_fn(|i| Carried::row(&call.inputs[i + 1], 0, cols));
    let rstd: Vec<Carried> = variance.iter().map(|v| rstd(*v, eps)).collect();
    let rule = |i: usize| {
        let j = i % cols;
        ((Carried::input(&call.inputs[0], i) - mean[j]) * rstd[j] * weight[j] + bias[j]).error
    };
    vec![(0..rows * cols).map(rule).collect()]
}

fn batch_norm_grad<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let [rows, cols] = call.args.sizes();
    let eps = T::of(call.args.number(2));
    let batch = call.args.constant("BATCH") != 0.0;
    let [dy, x, mean, variance] = std::array::from_fn(|i| call.inputs[i].f());
    let n = if batch { call.inputs[4].u()[0] as usize } else { rows };
    let weight = call.inputs[5].f();
    let [dx, each] = call.outputs();
    let rstd: Vec<T> = variance.iter().map(|&v| T::one() / (v + eps).sqrt()).collect();
    let (mut mean_dy, mut mean_product) = (vec![T::zero(); cols], vec![T::zero(); cols]);
    if batch {
        for (dy, x) in dy.chunks(cols).zip(x.chunks(cols)).take(n) {
            for j in 0..cols {
                mean_dy[j] += dy[j];
                mean_product[j] += dy[j] * ((x[j] - mean[j]) * rstd[j]);
            }
        }
        let count = T::of(n as f64);
        mean_dy.iter_mut().chain(&mut mean_product).for_each(|m| *m /= count);
    }
    dx[n * cols..].fill(T::zero());
    each[n * cols..].fill(T::zero());
    let inputs = dy.chunks(cols).zip(x.chunks(cols)).take(n);
    for ((dx, each), (dy, x)) in dx.chunks_mut(cols).zip(each.chunks_mut(cols)).zip(inputs) {
        for j in 0..cols {
            let xhat = (x[j] - mean[j]) * rstd[j];
            // No product with a mean of 0, which would make NaN of an infinity.
            let inner = if batch { (dy[j] - mean_dy[j]) - xhat * mean_product[j] } else { dy[j] };
            dx[j] = weight[j] * rstd[j] * inner;
            each[j] = dy[j] * xhat;
        }
    }
}

/// The error bound: the formula over values that carry errors.
fn batch_norm_grad_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let eps = call.args.number(2);
    let batch = call.args.constant("BATCH") != 0.0;
    let n = if batch { call.inputs[4].value[0] as usize } else { rows };
    let [mean, variance, weight]: [Vec<Carried>; 3] = [2, 3, 5].map(|i| Carried::row(&call.inputs[i], 0, cols));
    let (mut dx, mut each) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
    for j in 0..cols {
        let rstd = rstd(variance[j], eps);
        let dy = |row: usize| Carried::input(&call.inputs[0], row * cols + j);
        let xhat = |row: usize| (Carried::input(&call.inputs[1], row * cols + j) - mean[j]) * rstd;
        let means =
            batch.then(|| (mean_of((0..n).map(dy), n, n), mean_of((0..n).map(|row| dy(row) * xhat(row)), n, n)));
        for row in 0..n {
            let inner = match means {
                Some((mean_dy, mean_product)) => (dy(row) - mean_dy) - xhat(row) * mean_product,
                None => dy(row),
            };
            dx[row * cols + j] = (weight[j] * rstd * inner).error;
            each[row * cols + j] = (dy(row) * xhat(row)).error;
        }
    }
    vec![dx, each]
}
