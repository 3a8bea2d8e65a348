//! Loops and bounds shared by the loss kernels. Twin of `shaders/lib/loss.wgsl` and `shaders/lib/element_loss.wgsl`.

use crate::kernels::ROW_LANES;
use crate::kernels::bound::{self, TINY, U};
use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::vector::{self, Loop};
use crate::kernels::definition::{Args, BoundCall, Call};
use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Up to this many elements a thread hand-off costs more than it saves.
const PARALLEL_ABOVE: usize = 16 * 1024;
const CHUNK: usize = 4 * 1024;

/// What one output contributes: its loss, and its derivative by the prediction.
#[derive(Debug, Clone, Copy)]
pub struct Element<T> {
    /// The loss.
    pub loss: T,
    /// d loss / d pred.
    pub slope: T,
}

/// Whether a loss is the mean or the sum over the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Divided by `cols`.
    Mean,
    /// As it is.
    Sum,
}

/// The sum of the terms of a row, in the order of the shader for the same LANES. `fill(first, terms)` writes the terms of
/// the columns from `first` on: a loop by itself, so that it becomes vector instructions.
#[inline(always)]
pub fn row_sum<T: Scalar>(cols: usize, lanes: usize, mut fill: impl FnMut(usize, &mut [T])) -> T {
    let mut terms = [T::zero(); ROW_LANES];
    let mut partial = [T::zero(); ROW_LANES];
    let mut sum = T::zero();
    let mut first = 0;
    while first < cols {
        let count = ROW_LANES.min(cols - first);
        let terms = &mut terms[..count];
        fill(first, terms);
        if lanes == 1 {
            terms.iter().for_each(|t| sum += *t);
        } else {
            partial.iter_mut().zip(terms).for_each(|(p, t)| *p += *t);
        }
        first += count;
    }
    if lanes == 1 {
        return sum;
    }
    let mut width = ROW_LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let other = partial[lane + width];
            partial[lane] += other;
        }
        width /= 2;
    }
    partial[0]
}

/// Invocations that share a row in the shader: 1 or [`ROW_LANES`].
pub fn lanes(args: &Args) -> usize {
    (args.constant("LANES") as usize).max(1)
}

/// The roundings that a term of [`row_sum`] goes through.
pub fn row_sum_depth(cols: usize, args: &Args) -> usize {
    match lanes(args) {
        1 => cols,
        lanes => cols.div_ceil(lanes) + lanes.ilog2() as usize,
    }
}

/// slope * scale, exactly 0 for scale = 0: padding rows may hold anything.
#[inline(always)]
pub fn scaled<T: Scalar>(slope: T, scale: T) -> T {
    if scale == T::zero() { T::zero() } else { slope * scale }
}

/// Some rows of a call: what one thread works on.
pub struct Rows<'a, T> {
    /// The first of the rows.
    pub first: usize,
    /// Elements of a row.
    pub cols: usize,
    /// Predictions, rows x cols.
    pub pred: &'a [T],
    /// Upstream gradient, one a row.
    pub upstream: &'a [T],
    /// Losses, one a row.
    pub loss: &'a mut [T],
    /// Gradients, rows x cols.
    pub dpred: &'a mut [T],
}

/// Runs `work` over all rows, cut into parts for several threads where there is enough to do.
pub fn each_part<T: Scalar>(call: &mut Call<'_, '_, T>, work: impl Fn(Rows<'_, T>) + Sync) {
    let [rows, cols, stride] = call.args.sizes();
    let step = call.inputs[0].u()[0] as usize;
    let pred = &call.inputs[1].f()[..rows * cols];
    let upstream = &call.inputs[3].f()[step * stride..][..rows];
    let [loss, dpred] = call.outputs();
    let (loss, dpred) = (&mut loss[..rows], &mut dpred[..rows * cols]);
    if rows * cols <= PARALLEL_ABOVE {
        return work(Rows { first: 0, cols, pred, upstream, loss, dpred });
    }
    let chunk = (CHUNK / cols).max(1);
    let inputs = pred.par_chunks(chunk * cols).zip(upstream.par_chunks(chunk));
    let outputs = loss.par_chunks_mut(chunk).zip(dpred.par_chunks_mut(chunk * cols));
    inputs.zip(outputs).enumerate().for_each(|(c, ((pred, upstream), (loss, dpred)))| {
        work(Rows { first: c * chunk, cols, pred, upstream, loss, dpred });
    });
}

/// Runs a loss that treats each output by itself: `element(y, t)`. A NaN in y or t makes loss and gradient NaN.
pub fn elementwise<T: Scalar>(call: &mut Call<'_, '_, T>, over: Over, element: impl Fn(T, T) -> Element<T> + Sync) {
    let lanes = lanes(call.args);
    let expected = call.inputs[2].f();
    each_part(call, |rows| vector::widest(ElementRows { rows, lanes, over, expected, element: &element }));
}

struct ElementRows<'a, T, F> {
    rows: Rows<'a, T>,
    lanes: usize,
    over: Over,
    expected: &'a [T],
    element: &'a F,
}

impl<T: Scalar, F: Fn(T, T) -> Element<T>> Loop for ElementRows<'_, T, F> {
    #[inline(always)]
    fn call(self) {
        let Rows { first, cols, pred, upstream, loss, dpred } = self.rows;
        let count = if self.over == Over::Mean { T::of(cols as f64) } else { T::one() };
        let expected = &self.expected[first * cols..];
        for (i, (loss, upstream)) in loss.iter_mut().zip(upstream).enumerate() {
            let scale = *upstream / count;
            let (pred, expected) = (&pred[i * cols..][..cols], &expected[i * cols..][..cols]);
            let dpred = &mut dpred[i * cols..][..cols];
            let total = row_sum(cols, self.lanes, |from, terms| {
                let to = from + terms.len();
                let outputs = terms.iter_mut().zip(&mut dpred[from..to]);
                for ((term, d), (&y, &t)) in outputs.zip(pred[from..to].iter().zip(&expected[from..to])) {
                    let e = (self.element)(y, t);
                    let broken = y.is_nan() || t.is_nan();
                    *term = if broken { T::nan() } else { e.loss };
                    *d = scaled(if broken { T::nan() } else { e.slope }, scale);
                }
            });
            *loss = total / count;
        }
    }
}

/// The upstream gradient of sample `row`; the host rounds its table to f32 once.
pub fn upstream(call: &BoundCall<'_>, row: usize) -> Carried {
    let step = call.inputs[0].value[0] as usize;
    Carried::input(&call.inputs[3], step * call.args.size(2) + row).rounded_again()
}

/// Bound on the error of slope * scale.
pub fn scaled_error(slope: Carried, scale: Carried) -> f64 {
    if scale.value == 0.0 && scale.error == 0.0 { 0.0 } else { (slope * scale).error }
}

/// Bounds a loss that treats each output by itself. `rule(y, t)` gives an output's loss and slope with the errors
/// they have in f32 for inputs that carry errors. Overflow of f32 is not covered.
pub fn bound_elementwise(
    call: &BoundCall<'_>,
    over: Over,
    rule: impl Fn(Carried, Carried) -> Element<Carried>,
) -> Vec<Vec<f64>> {
    let [rows, cols, _] = call.args.sizes();
    let gamma = bound::gamma(row_sum_depth(cols, call.args));
    let mut loss = Vec::with_capacity(rows);
    let mut dpred = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let scale = mean(upstream(call, i), cols, over);
        let (mut total, mut error, mut magnitude) = (0.0, 0.0, 0.0);
        for k in i * cols..(i + 1) * cols {
            let e = rule(Carried::input(&call.inputs[1], k), Carried::input(&call.inputs[2], k));
            total += e.loss.value;
            error += e.loss.error + TINY;
            magnitude += e.loss.magnitude();
            dpred.push(scaled_error(e.slope, scale));
        }
        loss.push(mean(Carried::new(total, error + gamma * magnitude), cols, over).error);
    }
    vec![loss, dpred]
}

fn mean(sum: Carried, cols: usize, over: Over) -> Carried {
    if over == Over::Sum || (sum.value == 0.0 && sum.error == 0.0) {
        return sum;
    }
    let count = cols as f64;
    // From 2^24 on the count itself rounds.
    sum.over(Carried::new(count, if cols < 1 << 24 { 0.0 } else { U * count }))
}

/// Bound on the error of a function computed in f32 with relative error `local`, at an argument that carries error.
pub fn monotone(f: impl Fn(f64) -> f64, x: Carried, local: f64) -> Carried {
    let value = f(x.value);
    let carried = bound::monotone(f, x.value, x.error);
    Carried::new(value, carried + local * (value.abs() + carried) + TINY)
}
