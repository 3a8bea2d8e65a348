//! cross_entropy: loss_i = -log softmax(z_i)\[t_i\], with pred = z the logits and expected = t the class;
//! dpred_ij = upstream_i * (softmax(z_i)\[j\] - \[j = t_i\]). Twin of `shaders/cross_entropy.wgsl`.
//! With label smoothing s (SMOOTHING) the target is (1 - s) \[j = t_i\] + s / cols in the place of \[j = t_i\], and
//! loss_i = -sum_j target_ij log softmax(z_i)\[j\].
//!
//! Shapes: pred, dpred `[rows, cols]`; expected, loss `[rows]`; the rest and the order of sums: see `loss.rs`; the
//! largest logit and the class are left out of the sum and added last. Numerics: with m the first maximum, at k,
//! loss = log1p(sum over j != k of exp(z_j - m)) + (m - z_t). The gradient at the class is minus the sum over the others
//! divided by the whole: full relative precision where the class's probability rounds to 1. With smoothing,
//! loss = log1p(..) + (1 - s) (m - z_t) + s mean_j(m - z_j), of which no term is negative, and -s / cols (at the class
//! s - s / cols) is added to the gradient. A class index out of range, a NaN and an infinite maximum give NaN.

use super::rows::{self, Rows};
use super::{LOSS, Loss, Output, Row, cases};
use crate::kernels::bound::{self, DIV, EXP, LOG, TINY, U};
use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::log_sum::{BELOW_TINY, LogSum, log_sum_exp, log1p_exp, share};
use crate::kernels::cpu::vector::{self, Loop};
use crate::kernels::definition::{BoundCall, Call, Definition};
use crate::kernels::scalar::Scalar;

/// The constant of the share of the target that is spread over all classes.
pub const SMOOTHING: &str = "SMOOTHING";

/// All that is known of it.
pub(super) const fn row(name: &'static str, default: Loss, wgsl: &'static str) -> Row {
    Row {
        default,
        parameter: None,
        output: Output::ClassLogit,
        over: None,
        piece: None,
        definition: Definition {
            name,
            wgsl,
            bindings: const { &cases::bindings(Output::ClassLogit) },
            shapes: |_| cases::class_shapes(),
            bound_formula: "r_j = EXP + u (max - z_j); loss: (gamma(depth + 2) + mean r + LOG + u) * loss + u (max - z_t); \
                dpred: (gamma(depth + 2) + r_j + mean r + DIV + 3u) |dpred|",
            bound,
            cpu_f32: cross_entropy::<f32>,
            cpu_f64: cross_entropy::<f64>,
            ..LOSS
        },
    }
}

/// The CPU kernel.
pub fn cross_entropy<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let lanes = rows::lanes(call.args);
    let classes = call.inputs[2].u();
    let smoothing = T::of(call.args.constant(SMOOTHING));
    rows::each_part(call, |rows| vector::widest(ClassRows { rows, lanes, classes, smoothing }));
}

struct ClassRows<'a, T> {
    rows: Rows<'a, T>,
    lanes: usize,
    classes: &'a [u32],
    smoothing: T,
}

impl<T: Scalar> Loop for ClassRows<'_, T> {
    #[inline(always)]
    fn call(self) {
        let Rows { first, cols, pred, upstream, loss, dpred } = self.rows;
        // All exponentials in one loop, because a row may be shorter than a vector.
        for (d, z) in dpred.chunks_exact_mut(cols).zip(pred.chunks_exact(cols)) {
            let largest = z[first_maximum(z)];
            d.iter_mut().zip(z).for_each(|(d, z)| *d = *z - largest);
        }
        dpred.iter_mut().for_each(|d| *d = d.exp_safe());
        let inputs = pred.chunks_exact(cols).zip(upstream).zip(&self.classes[first..]);
        let outputs = loss.iter_mut().zip(dpred.chunks_exact_mut(cols));
        for (((z, &upstream), &class), (loss, d)) in inputs.zip(outputs) {
            *loss = row_loss(z, class as usize, upstream, (self.lanes, self.smoothing), d);
        }
    }
}

/// The loss of a row with the logits `z`; `d` holds exp(z - max) and takes the gradient.
#[inline(always)]
fn row_loss<T: Scalar>(z: &[T], class: usize, upstream: T, (lanes, smoothing): (usize, T), d: &mut [T]) -> T {
    let cols = z.len();
    let top = first_maximum(z);
    let others = rows::row_sum(cols, lanes, |from, terms| {
        for (k, term) in terms.iter_mut().enumerate() {
            let j = from + k;
            *term = if (j != top && j != class) || z[j].is_nan() { d[j] } else { T::zero() };
        }
    });
    if class >= cols || !z[top].is_finite() || others.is_nan() {
        d.iter_mut().for_each(|d| *d = rows::scaled(T::nan(), upstream));
        return T::nan();
    }
    let (below_top, besides_class) =
        if class == top { (others, others) } else { (others + d[class], T::one() + others) };
    let whole = T::one() + below_top;
    d[class] = -besides_class;
    if smoothing == T::zero() {
        d.iter_mut().for_each(|d| *d = rows::scaled(*d / whole, upstream));
        return below_top.log1p_safe() + (z[top] - z[class]);
    }
    let count = T::of(cols as f64);
    let each = smoothing / count;
    d.iter_mut().enumerate().for_each(|(j, d)| {
        let shift = if j == class { smoothing - each } else { -each };
        *d = rows::scaled(*d / whole + shift, upstream);
    });
    let depth = rows::row_sum(cols, lanes, |from, terms| {
        terms.iter_mut().zip(&z[from..]).for_each(|(term, z_j)| *term = z[top] - *z_j);
    });
    let below = (T::one() - smoothing) * (z[top] - z[class]) + smoothing * (depth / count);
    below_top.log1p_safe() + below
}

#[inline(always)]
fn first_maximum<T: Scalar>(z: &[T]) -> usize {
    let mut top = 0;
    for (j, &value) in z.iter().enumerate().skip(1) {
        if value > z[top] {
            top = j;
        }
    }
    top
}

/// The error bound.
///
/// Carried: the loss and each probability are monotone in every logit, so the extremes over the logits' intervals lie
/// at their ends. Local: see `Local`.
pub fn bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols, _] = call.args.sizes();
    let gamma = bound::gamma(rows::row_sum_depth(cols, call.args) + 2);
    let labels = Labels::of(call.args.constant(SMOOTHING), cols);
    let mut loss = Vec::with_capacity(rows);
    let mut dpred = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let class = call.inputs[2].value[i] as usize;
        let upstream = rows::upstream(call, i);
        let z = Carried::row(&call.inputs[1], i, cols);
        if class >= cols {
            // The value is NaN: there is nothing to be near to, unless the row is weighted by 0.
            loss.push(0.0);
            dpred.extend((0..cols).map(|_| 0.0));
            continue;
        }
        let (loss_error, slopes) = row_error(&z, class, gamma, labels);
        loss.push(loss_error);
        let shifted = slopes.enumerate().map(|(j, slope)| labels.slope(slope, j == class));
        dpred.extend(shifted.map(|slope| rows::scaled_error(slope, upstream)));
    }
    vec![loss, dpred]
}

/// The target: `smoothing` is spread over all classes, each of which has the share `each` of the target by that.
#[derive(Clone, Copy)]
struct Labels {
    smoothing: Carried,
    count: Carried,
    each: Carried,
}

impl Labels {
    fn of(smoothing: f64, cols: usize) -> Labels {
        let count = Carried::count(cols);
        let smoothing = Carried::rounded(smoothing);
        Labels { smoothing, count, each: smoothing.over(count) }
    }

    /// The gradient by a logit, from that without smoothing.
    fn slope(&self, slope: Carried, at_class: bool) -> Carried {
        match at_class {
            _ if self.smoothing.value == 0.0 => slope,
            true => slope + (self.smoothing - self.each),
            false => slope - self.each,
        }
    }

    /// Bound on the loss of a row whose loss without smoothing is `exact`, by `carried` uncertain.
    ///
    /// Carried: log sum exp moves by at most the widest error of a logit, their mean by the mean error. Local: the formula
    /// of the kernel on the largest magnitudes that its terms may have, none of which is negative.
    fn loss_error(&self, z: &[Carried], class: usize, local: &Local, gamma: f64, [exact, carried]: [f64; 2]) -> f64 {
        let (share, count) = (self.smoothing.value, self.count.value);
        let moved = local.widest + z.iter().map(|z| z.error).sum::<f64>() / count;
        let carried_on = (1.0 - share) * carried + share * moved;
        let most = (exact + carried).min(count.ln());
        let below = |z: &Carried| {
            let most = local.top - z.value + z.error + local.widest;
            Carried::new(most, U * most + TINY)
        };
        let (sum, errors) = z.iter().map(below).fold((0.0, 0.0), |(sum, e), b| (sum + b.value, e + b.error));
        let depth = Carried::new(sum, errors + gamma * (sum + errors));
        let kept = (Carried::new(1.0, 0.0) - self.smoothing) * below(&z[class]);
        let spread = self.smoothing * depth.over(self.count);
        let total = Carried::new(most, local.log1p_error(most)) + (kept + spread);
        carried_on + total.error + local.count * TINY
    }
}

/// Bound on the loss of a row, and its gradient by each logit, without smoothing, with its bound. In logarithms, because the
/// ends of wide intervals have no exponentials.
fn row_error(z: &[Carried], class: usize, gamma: f64, labels: Labels) -> (f64, impl Iterator<Item = Carried>) {
    let top = z.iter().fold(f64::NEG_INFINITY, |m, z| m.max(z.value));
    let at = |z: &Carried, end: f64| z.value + end * z.error;
    let besides = |end: f64| log_sum_exp(z.iter().enumerate().filter(|(j, _)| *j != class).map(|(_, z)| at(z, end)));
    let [low, mid, high] = [-1.0, 0.0, 1.0].map(besides);
    let [least, target, most] = [-1.0, 0.0, 1.0].map(|end| at(&z[class], end));
    // Loss = log(1 + besides / exp at the class).
    let exact = log1p_exp(mid - target);
    let carried = (log1p_exp(high - least) - exact).max(exact - log1p_exp(low - most));
    let local = Local::of(z, class, top, gamma);
    let below = Carried::new(top - target, z[class].error);
    let loss_error = match labels.smoothing.value {
        0.0 => carried + local.loss_error(exact + carried, below),
        _ => labels.loss_error(z, class, &local, gamma, [exact, carried]),
    };

    let [low_sum, mid_sum, high_sum] = [-1.0, 0.0, 1.0].map(|end| LogSum::of(z.iter().map(|z| at(z, end))));
    let slopes = z.iter().copied().enumerate().map(move |(j, z)| {
        let (least, exact, most) = if j == class {
            // The share of the others, computed from their sum.
            (share(low, most), share(mid, target), share(high, least))
        } else {
            let (down, up) = (at(&z, -1.0), at(&z, 1.0));
            let least = share(down, high_sum.without(j, up));
            (least, (z.value - mid_sum.all).exp(), share(up, low_sum.without(j, down)))
        };
        let carried = if local.widest == 0.0 { 0.0 } else { (most - exact).max(exact - least).max(0.0) };
        let own = if j == class { local.besides } else { local.exponent(&z) };
        let error = carried + local.quotient(own) * (exact + carried) + 2.0 * TINY * local.count;
        // However far the logits are off, the computed whole is at least each of its parts: a rounded sum of numbers
        // that are not negative does not fall. This also takes the place of a NaN (f64::min), the product of 0 and an
        // infinite relative error.
        Carried::new(if j == class { -exact } else { exact }, error.min(1.0 + DIV))
    });
    (loss_error, slopes)
}

/// Relative errors of the exponentials and of their sums in f32, at whatever logits within the errors.
#[derive(Clone, Copy)]
struct Local {
    top: f64,
    widest: f64,
    /// Of the sum over all columns.
    whole: f64,
    /// Of the sum besides the class.
    besides: f64,
    /// Of the sum besides the maximum.
    below_top: f64,
    /// Counts what may be flushed.
    count: f64,
}

impl Local {
    /// A sum is relatively as good as its worst term, and as the mean of its terms' errors weighted by the terms.
    fn of(z: &[Carried], class: usize, top: f64, gamma: f64) -> Local {
        let widest = z.iter().fold(0.0, |w: f64, z| w.max(z.error));
        let count = z.len() as f64 + 2.0;
        let mut local = Local { top, widest, whole: 0.0, besides: 0.0, below_top: 0.0, count };
        let relative = |skip: usize| {
            let (mut worst, mut errors, mut terms) = (0.0f64, 0.0, 0.0);
            for (_, z) in z.iter().enumerate().filter(|(j, _)| *j != skip) {
                let (x, reach, own) = (z.value - top, z.error + widest, local.exponent(z));
                worst = worst.max(own);
                errors += (x + reach).min(0.0).exp() * own;
                terms += (x - reach).exp();
            }
            // f64::min drops the NaN of 0 / 0: no term, or all below the range of f64.
            worst.min(errors / terms) + gamma
        };
        let (whole, besides) = (relative(usize::MAX), relative(class));
        // Which column is the maximum is certain if no other one reaches it.
        let first = z.iter().position(|z| z.value == top).unwrap_or(0);
        let certain = widest == 0.0
            || z.iter().enumerate().all(|(j, z_j)| j == first || z_j.value + z_j.error < top - z[first].error);
        let below_top = relative(if certain { first } else { usize::MAX });
        local = Local { whole, besides, below_top, ..local };
        local
    }

    /// Of one exponential: the rounded difference of its argument (its own error and the maximum's widen it), then exp.
    ///
    /// Where the computed and the exact exponential both lie below [`TINY`] they are at most that apart, which `count`
    /// has; relatively they may be anything.
    fn exponent(&self, z: &Carried) -> f64 {
        let reach = z.error + self.widest;
        let shift = U * ((z.value - self.top).abs() + reach) + EXP;
        if z.value - self.top + reach + shift < BELOW_TINY { 0.0 } else { shift.exp_m1() }
    }

    /// Of a probability whose numerator has relative error `own`: 1 / (1 - w) <= exp(w (1 + 2 w)) for w <= 1/2.
    fn quotient(&self, own: f64) -> f64 {
        if self.whole > 0.5 { f64::INFINITY } else { (own + self.whole * (1.0 + 2.0 * self.whole) + DIV + U).exp_m1() }
    }

    /// Absolute, of a loss of at most `most`, its class `below` under the maximum. The condition of log1p is at most 1
    /// relatively, and its derivative in terms of log(1 + x) at most 1 absolutely.
    fn loss_error(&self, most: f64, below: Carried) -> f64 {
        let log1p = self.log1p_error(most);
        let difference = U * (below.magnitude() + self.widest);
        log1p + difference + U * (most + log1p + difference) + self.count * TINY
    }

    /// Absolute, of the logarithm, which is at most `most`.
    fn log1p_error(&self, most: f64) -> f64 {
        // However far the exponentials are off, none exceeds 1, and log1p of their sum lies between 0 and log(count).
        let sum = self.whole.min(self.below_top * most).min(self.count.ln());
        sum + LOG * (most + sum)
    }
}
