//! Sums over many elements in a fixed order: of columns, of squares, of a step's losses.

use super::ROW_LANES as LANES;
use super::bound::{TINY, gamma};
use super::conformance::{Case, MANY, Shape, TABLE_STEPS, Values};
use super::cpu::vector;
use super::definition::{
    Args, BoundCall, Call, Definition, Kernel, Measured, Out, StepPart, kernels, lines, read, update, update_u32, write,
};
use super::loss::rows::tree;
use super::scalar::Scalar;
use rayon::prelude::*;

/// Elements whose squares one workgroup of `square_sum` adds up; more take a second pass over the partial sums.
pub const SQUARE_SUM_PART: usize = 4096;

/// Sums of all columns that `col_sum` leaves.
fn parts(a: &Args) -> u64 {
    a.count(1) * a.count(0).div_ceil(a.count(2))
}

/// Sums that `square_sum` leaves.
fn squares(a: &Args) -> u64 {
    a.count(0).div_ceil(SQUARE_SUM_PART as u64)
}

kernels! {
    /// y\[part, c\] = sum over the part's rows of x\[row, c\]. Shapes: x `[rows, cols]`, y `[ceil(rows / rows_per_sum),
    /// cols]`. Order of sums: rising row within a part.
    col_sum: "col_sum.wgsl", col_sum, col_sum_bound, "gamma(rows_per_sum) * sum|x|" {
        bindings: &[read("x").matrix().of(Values::Extreme), write("y").whole(|a, _| parts(a) as usize)],
        params: &["rows", "cols", "rows_per_sum"],
        groups: |a| lines(parts(a)), flops: |a| a.area(), bytes: |a| 4 * (a.area() + parts(a)),
        shapes: |_| column_sums(),
        step_part: Some(StepPart::Bias),
        parts: Some(|a, _, at| [at % a.size(1), a.size(1), a.size(0)]),
        ..Definition::MATRIX
    }
    /// log\[step\] = sum of weight * x, then step += 1. Shapes: x `[n]`, weight `[steps, weight_stride]`, log
    /// `[steps]`, step `[1]`. Order of sums: as in the shader, 64 strided sums and a tree.
    weighted_sum: "weighted_sum.wgsl", weighted_sum, weighted_sum_bound,
    "gamma(ceil(n / 64) + 7) * sum|weight||x|" {
        bindings: &[
            read("x").of(Values::Extreme), read("weight").table(|a| a.size(1)).of(Values::Weight),
            update("log").whole(|_, steps| steps).of(Values::Log), update_u32("step").one().of(Values::Step),
        ],
        params: &["n", "weight_stride"],
        flops: |a| 2 * a.count(0), bytes: |a| 4 * (2 * a.count(0) + 2),
        shapes: |_| {
            let of = |n: usize| [[n, n], [n, n + 3], [n, 0]].map(|p| Shape::of(&p));
            [1, 31, 64, 65, 129, 4097].into_iter().flat_map(of).collect()
        },
        corners: infinite_padding,
        step_part: Some(StepPart::Mean),
        ..Definition::NEW
    }
    /// y\[part\] = sum over the part's 4096 elements of x^2. Shapes: x `[n]`, y `[ceil(n / 4096)]`. Order of sums: as
    /// in the shader.
    square_sum: "square_sum.wgsl", square_sum, square_sum_bound, "gamma(25) * sum x^2" {
        bindings: &[
            read("x").whole(|a, _| a.size(0).next_multiple_of(4)).of(Values::Extreme), write("y").whole(|a, _| squares(a) as usize),
        ],
        params: &["n"],
        groups: squares, flops: |a| 2 * a.count(0), bytes: |a| 4 * (a.count(0) + squares(a)), shapes: |_| square_sums(),
        ..Definition::NEW
    }
}

/// Below this many elements a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 64 * 1024;
/// Columns that one thread sums.
const COLUMNS: usize = 128;

fn col_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let x = call.inputs[0].f();
    let [rows, cols, rows_per_sum] = call.args.sizes();
    let [y] = call.outputs();
    let parts = x[..rows * cols].chunks(rows_per_sum * cols);
    y.chunks_mut(cols).zip(parts).for_each(|(y, part)| sum_columns(y, part));
}

/// The sum of the rows of `x`, as long as `y`, in rising order. Threads share the columns, so that the order stays.
pub(super) fn sum_columns<T: Scalar>(y: &mut [T], x: &[T]) {
    let cols = y.len();
    if x.len() < PARALLEL_FROM {
        vector::column_sums(y, x, cols, 0);
    } else {
        let part = |(i, y): (usize, &mut [T])| vector::column_sums(y, x, cols, i * COLUMNS);
        y.par_chunks_mut(COLUMNS).enumerate().for_each(part);
    }
}

fn col_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols, rows_per_sum] = call.args.sizes();
    vec![column_bound(&call.inputs[0], [rows, cols], rows_per_sum)]
}

/// The error bound of sums of columns, of so many rows each: what the terms carry, gamma of the number of terms, and for each
/// term that is not 0 a partial sum that may cancel to a denormal and be flushed.
pub(super) fn column_bound(x: &Measured, [rows, cols]: [usize; 2], rows_per_sum: usize) -> Vec<f64> {
    let each = gamma(rows_per_sum.min(rows));
    let mut out = vec![0.0; rows.div_ceil(rows_per_sum) * cols];
    for i in 0..rows * cols {
        let at = (i / cols / rows_per_sum) * cols + i % cols;
        let reach = x.value[i].abs() + x.error[i];
        out[at] += x.error[i] + each * reach + if reach == 0.0 { 0.0 } else { TINY };
    }
    out
}

fn weighted_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let (x, weight) = (call.inputs[0].f(), call.inputs[1].f());
    let [n, stride] = call.args.sizes();
    let [Out::F(log), Out::U(step)] = &mut *call.outputs else { unreachable!("the row writes log and step") };
    let now = step[0] as usize;
    let weight = &weight[now * stride..now * stride + n];
    let mut sums = [T::zero(); LANES];
    for (i, (&x, &w)) in x[..n].iter().zip(weight).enumerate() {
        if w != T::zero() {
            sums[i % LANES] += w * x;
        }
    }
    log[now] = tree(sums);
    step[0] += 1;
}

/// The error bound. Only the entry of this step changes; the step counter is exact.
fn weighted_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [x, weight] = call.inputs else { unreachable!("the row has two inputs") };
    let [n, stride] = call.args.sizes();
    let now = call.before[1].value[0] as usize;
    let each = gamma(n.div_ceil(LANES) + 7);
    let weights = &weight.value[now * stride..];
    let terms = (0..n).filter(|i| weights[*i] != 0.0).map(|i| {
        let (w, ew) = (weights[i].abs(), weight.error[now * stride + i]);
        let (x, ex) = (x.value[i].abs(), x.error[i]);
        // A product and a partial sum, either of which may be flushed.
        (w + ew) * ex + x * ew + each * ((w + ew) * (x + ex)).min(f64::MAX) + 2.0 * TINY
    });
    let mut log = call.before[0].error.clone();
    log[now] = terms.sum::<f64>() + TINY;
    vec![log, vec![0.0]]
}

/// Elements that the 64 invocations of the shader take at once: a word of four each.
const STRIDE: usize = 4 * LANES;
/// Up to this many parts one thread sums as fast as several.
const PARALLEL_ABOVE: usize = 16;

fn square_sum<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let n = call.args.size(0);
    let x = &call.inputs[0].f()[..n];
    let [y] = call.outputs();
    let y = &mut y[..n.div_ceil(SQUARE_SUM_PART)];
    if y.len() > PARALLEL_ABOVE {
        y.par_iter_mut().zip(x.par_chunks(SQUARE_SUM_PART)).for_each(|(y, part)| *y = sum(part));
    } else {
        y.iter_mut().zip(x.chunks(SQUARE_SUM_PART)).for_each(|(y, part)| *y = sum(part));
    }
}

fn sum<T: Scalar>(part: &[T]) -> T {
    let mut totals = [T::zero(); STRIDE];
    for row in part.chunks(STRIDE) {
        for (total, &x) in totals.iter_mut().zip(row) {
            *total += x * x;
        }
    }
    tree(std::array::from_fn(|j| (totals[4 * j] + totals[4 * j + 1]) + (totals[4 * j + 2] + totals[4 * j + 3])))
}

/// The error bound: 25 roundings an element at most; each square may be flushed.
fn square_sum_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let (n, x) = (call.args.size(0), &call.inputs[0]);
    let one = |(x, e): (&f64, &f64)| {
        let most = x.abs() + e;
        (x.abs() + most) * e + gamma(25) * (most * most) + 2.0 * TINY
    };
    let parts = x.value[..n].chunks(SQUARE_SUM_PART).zip(x.error[..n].chunks(SQUARE_SUM_PART));
    vec![parts.map(|(values, errors)| values.iter().zip(errors).map(one).sum()).collect()]
}

/// Short columns, one past the sum of an invocation, long ones that leave several parts.
fn column_sums() -> Vec<Shape> {
    let per = super::COL_SUM_ROWS;
    let sizes =
        [[1, 1], [1, 97], [31, 33], [255, 2], [256, 3], [257, 2], [513, 31], [1000, 65], [65_537, 3], [1, MANY]];
    let mut shapes: Vec<Shape> = sizes.iter().map(|[r, c]| Shape::of(&[*r, *c, per])).collect();
    shapes.push(Shape::of(&[515, 97, per]).folded(2));
    shapes.push(Shape::of(&[7, 5, 2]));
    shapes
}

/// A sample that only fills a batch up may hold anything: an infinity wherever the weight is 0.
fn infinite_padding(_kernel: Kernel, cases: &[Case]) -> Vec<Case> {
    let of = cases.iter().find(|c| c.args.size(0) > 64 && c.args.size(1) > 0);
    let padded = |case: &mut Case| {
        let [x, weight, ..] = &mut case.values[..] else { return };
        let weight = &weight[(TABLE_STEPS - 1) * case.args.size(1)..];
        x.iter_mut().zip(weight).filter(|(_, weight)| **weight == 0.0).for_each(|(x, _)| *x = f64::INFINITY);
    };
    of.map(|of| of.changed("infinity in samples of weight 0", padded)).into_iter().collect()
}

/// Broken words, around a part of 4096, several parts; 13 parts in rows of 5.
fn square_sums() -> Vec<Shape> {
    let part = SQUARE_SUM_PART;
    let sizes = [1, 2, 3, 4, 5, 255, 257, 1000, part - 1, part, part + 1, 3 * part + 77];
    let folded = Shape::of(&[12 * part + 5]).folded(5);
    sizes.iter().map(|n| Shape::of(&[*n])).chain([folded]).collect()
}
