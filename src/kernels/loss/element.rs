//! The losses that treat each output by itself, a formula each. Twins of `shaders/lib/loss/*.wgsl`, which state numerics and
//! sources.

use super::rows::{
    Element, Over, Rows, each_part, lanes, mean, monotone, row_sum, row_sum_depth, scaled, scaled_error, upstream,
};
use super::{LOSS, Loss, Output, Parameter, Piece, Row, cases};
use crate::kernels::activation::{Formula as _, Sigmoid, Softplus};
use crate::kernels::bound::{DIV, EXP, LOG, TINY, U, gamma};
use crate::kernels::conformance::{MANY, Shape};
use crate::kernels::cpu::carried::Carried;
use crate::kernels::cpu::vector::{self, Loop};
use crate::kernels::definition::{Args, BoundCall, Call, Definition};
use crate::kernels::scalar::{Scalar, sign};

/// A loss that treats each output by itself. `parameter` is the number that the loss carries, 0 where it has none.
pub trait Formula: Sized + 'static {
    /// The number that it carries.
    const PARAMETER: Option<Parameter> = None;
    /// What it takes an output for.
    const OUTPUT: Output = Output::Number;
    /// Mean or sum over the outputs.
    const OVER: Over = Over::Mean;
    /// The smooth piece on which prediction and target lie, with the parameter; `None` where all is smooth.
    const PIECE: Option<Piece> = None;
    /// Conformance cases beyond those of all losses.
    const MORE_SHAPES: fn() -> Vec<Shape> = Vec::new;
    /// The error bound, for people; depth = LANES > 1 ? ceil(cols / 64) + 6 : cols.
    const BOUND: &'static str;

    /// Loss and slope of one output.
    fn element<T: Scalar>(y: T, t: T, parameter: T) -> Element<T>;

    /// The same with the errors that they have in f32, for inputs that carry errors.
    fn element_error(y: Carried, t: Carried, parameter: f64) -> Element<Carried>;
}

/// All that is known of the loss `F`, whose text is `const MEAN: bool` and `fn element(y: f32, t: f32) -> ElementLoss`.
pub(super) const fn row<F: Formula>(name: &'static str, default: Loss, text: &'static str) -> Row {
    Row {
        default,
        parameter: F::PARAMETER,
        output: F::OUTPUT,
        over: Some(F::OVER),
        piece: F::PIECE,
        definition: Definition {
            name,
            wgsl: include_str!("../../../shaders/element_loss.wgsl"),
            formula: text,
            bindings: const { &cases::bindings(F::OUTPUT) },
            shapes: |_| shapes::<F>(),
            bound_formula: F::BOUND,
            bound: bound::<F>,
            cpu_f32: cpu::<F, f32>,
            cpu_f64: cpu::<F, f64>,
            ..LOSS
        },
    }
}

/// The shapes of all losses, with the parameter off its default, and those of `F` alone.
fn shapes<F: Formula>() -> Vec<Shape> {
    let parameter = F::PARAMETER.map(|p| (p.constant, 0.7));
    let shapes = cases::shapes().into_iter().map(|shape| shape.with(parameter.as_slice()));
    shapes.chain((F::MORE_SHAPES)()).collect()
}

/// The parameter of a call of `F`, 0 where it has none.
fn parameter<F: Formula>(args: &Args) -> f64 {
    F::PARAMETER.map_or(0.0, |p| args.constant(p.constant))
}

/// The CPU kernel of the loss `F`.
fn cpu<F: Formula, T: Scalar>(call: &mut Call<'_, '_, T>) {
    let parameter = T::of(parameter::<F>(call.args));
    let element = |y, t| F::element(y, t, parameter);
    let (lanes, expected) = (lanes(call.args), call.inputs[2].f());
    each_part(call, |rows| vector::widest(ElementRows { rows, lanes, over: F::OVER, expected, element: &element }));
}

/// A loop over rows: a NaN in y or t makes loss and gradient NaN. Twin of `shaders/lib/element_loss.wgsl`.
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

/// The error bound. Overflow of f32 is not covered.
fn bound<F: Formula>(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols, _] = call.args.sizes();
    let (gamma, parameter) = (gamma(row_sum_depth(cols, call.args)), parameter::<F>(call.args));
    let mut loss = Vec::with_capacity(rows);
    let mut dpred = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        let scale = mean(upstream(call, i), cols, F::OVER);
        let (mut total, mut error, mut magnitude) = (0.0, 0.0, 0.0);
        for k in i * cols..(i + 1) * cols {
            let [y, t] = [1, 2].map(|input| Carried::input(&call.inputs[input], k));
            let e = F::element_error(y, t, parameter);
            total += e.loss.value;
            error += e.loss.error + TINY;
            magnitude += e.loss.magnitude();
            dpred.push(scaled_error(e.slope, scale));
        }
        loss.push(mean(Carried::new(total, error + gamma * magnitude), cols, F::OVER).error);
    }
    vec![loss, dpred]
}

/// (t - y)^2 / 2, summed.
pub struct HalfSquaredError;

impl Formula for HalfSquaredError {
    const OVER: Over = Over::Sum;
    const BOUND: &'static str =
        "loss: gamma(depth + 4) * loss; dpred: 3u |dpred|; depth = LANES > 1 ? ceil(cols / 64) + 6 : cols";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, _: T) -> Element<T> {
        let d = y - t;
        Element { loss: T::of(0.5) * d * d, slope: d }
    }

    fn element_error(y: Carried, t: Carried, _: f64) -> Element<Carried> {
        let d = y - t;
        Element { loss: Carried::new(0.5, 0.0) * (d * d), slope: d }
    }
}

/// (y - t)^2
pub struct Mse;

impl Formula for Mse {
    /// More than 65,535 workgroups, without barriers: a software rasteriser would take ten seconds for them.
    const MORE_SHAPES: fn() -> Vec<Shape> = || vec![Shape::of(&[MANY, 1, 0]).with(&[("LANES", 1.0)])];
    const BOUND: &'static str = "loss: (gamma(depth + 3) + DIV) * loss; dpred: (DIV + 3u) |dpred|";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, _: T) -> Element<T> {
        let d = y - t;
        Element { loss: d * d, slope: T::of(2.0) * d }
    }

    fn element_error(y: Carried, t: Carried, _: f64) -> Element<Carried> {
        let d = y - t;
        Element { loss: d * d, slope: Carried::new(2.0 * d.value, 2.0 * d.error) }
    }
}

/// |y - t|
pub struct Mae;

impl Formula for Mae {
    const PIECE: Option<Piece> = Some(|y, t, _| Some(sign(y - t)));
    const BOUND: &'static str = "loss: (gamma(depth + 1) + DIV) * loss; dpred: (DIV + 2u) |dpred|";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, _: T) -> Element<T> {
        let d = y - t;
        let zero = T::zero();
        let slope = if d > zero {
            T::one()
        } else if d < zero {
            -T::one()
        } else {
            zero
        };
        Element { loss: d.abs(), slope }
    }

    /// The sign of the difference is uncertain only where the inputs' errors reach across the kink, or where a denormal
    /// difference may be flushed.
    fn element_error(y: Carried, t: Carried, _: f64) -> Element<Carried> {
        let d = y - t;
        let reach = y.error + t.error;
        let uncertain = if d.value == 0.0 { reach > 0.0 } else { d.value.abs() <= reach.max(TINY) };
        let slope = if d.value == 0.0 { 0.0 } else { d.value.signum() };
        let slope_error = if uncertain { 1.0 + slope.abs() } else { 0.0 };
        Element { loss: Carried::new(d.value.abs(), d.error), slope: Carried::new(slope, slope_error) }
    }
}

/// d^2 / 2 within delta, delta (|d| - delta / 2) outside.
pub struct Huber;

impl Formula for Huber {
    const PARAMETER: Option<Parameter> = Some(Parameter {
        key: "delta",
        constant: "DELTA",
        range: "a finite number above 0",
        valid: |delta| delta.is_finite() && delta > 0.0,
    });
    /// The second derivative jumps at the corner, which an extrapolation cannot cross either.
    const PIECE: Option<Piece> = Some(|y, t, delta| Some(sign(y - t - delta) + sign(y - t + delta)));
    const BOUND: &'static str = "loss: (gamma(depth + 7) + DIV) * loss; dpred: (DIV + 4u) |dpred|";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, delta: T) -> Element<T> {
        let half = T::of(0.5);
        let d = y - t;
        let a = d.abs();
        let loss = if a <= delta { half * d * d } else { delta * (a - half * delta) };
        Element { loss, slope: d.max(-delta).min(delta) }
    }

    /// Local, relative to h: outside, delta rounds (1 u in the factor; at most 1 u in the difference, which is at least
    /// delta / 2), the difference and the product round, 4 u in all; within, one product, 1 u. Where the branches meet they
    /// differ by (|d| - delta)^2 / 2, of second order: 5 u cover it.
    fn element_error(y: Carried, t: Carried, delta: f64) -> Element<Carried> {
        let d = y - t;
        let a = d.value.abs();
        let h = |a: f64| if a <= delta { 0.5 * a * a } else { delta * (a - 0.5 * delta) };
        let value = h(a);
        let carried = (h(a + d.error) - value).max(value - h((a - d.error).max(0.0)));
        let loss = Carried::new(value, carried + 5.0 * U * (value + carried) + TINY);
        let clamped = d.value.clamp(-delta, delta);
        let moves = a - d.error <= delta;
        let rounds = a + d.error >= delta * (1.0 - U);
        let slope_error = if moves { d.error } else { 0.0 } + if rounds { U * delta } else { 0.0 };
        Element { loss, slope: Carried::new(clamped, slope_error) }
    }
}

/// -(t log p + (1 - t) log(1 - p))
pub struct BinaryCrossEntropy;

/// The least denominator of the gradient (PyTorch, `binary_cross_entropy_backward`): 1e-12 in f32, whatever the precision.
const LEAST_VARIANCE: f64 = 1e-12_f32 as f64;
/// The largest -log p (PyTorch, `torch.nn.BCELoss`).
const LARGEST_LOG: f64 = 100.0;

/// min(100, -log p); `complement` is 1 - p.
#[inline(always)]
fn negative_log<T: Scalar>(p: T, complement: T) -> T {
    if p >= T::of(0.5) { (complement / p).log1p_safe() } else { T::of(LARGEST_LOG).min(-p.log_safe()) }
}

/// (p - t) / v, v = max(p (1 - p), 1e-12): linear in t; monotone in p for t in [0, 1], for it is
/// -t / p + (1 - t) / (1 - p) above the clamp and linear below. Local, relative: the difference, 1 - p, the product, the
/// constant 1e-12, the division, and 1 u for the products of these.
fn slope_error(p: Carried, t: Carried) -> Carried {
    let variance = |p: f64| (p * (1.0 - p)).max(LEAST_VARIANCE);
    let slope = |p: f64| (p - t.value) / variance(p);
    let (low, high) = ((p.value - p.error).clamp(0.0, 1.0), (p.value + p.error).clamp(0.0, 1.0));
    // p (1 - p) is concave: least at an end.
    let least = variance(low).min(variance(high));
    let value = slope(p.value);
    let by_p = if (0.0..=1.0).contains(&t.value) {
        (slope(low) - value).abs().max((slope(high) - value).abs())
    } else {
        // |d v / d p| <= 1.
        (p.error + value.abs() * p.error) / least
    };
    let carried = by_p + t.error / least;
    Carried::new(value, carried + (DIV + 5.0 * U) * (value.abs() + carried) + TINY / least)
}

impl Formula for BinaryCrossEntropy {
    const OUTPUT: Output = Output::Probability;
    /// Where the gradient is clamped it is no derivative of the loss.
    const PIECE: Option<Piece> = Some(|p, _, _| (p * (1.0 - p) > LEAST_VARIANCE).then_some(0));
    const BOUND: &'static str = "loss: (gamma(depth + 5) + LOG + 2 DIV) * loss; dpred: (2 DIV + 7u) |dpred|";

    #[inline(always)]
    fn element<T: Scalar>(p: T, t: T, _: T) -> Element<T> {
        if !(p >= T::zero() && p <= T::one()) {
            return Element { loss: T::nan(), slope: T::nan() };
        }
        let q = T::one() - p;
        let loss = t * negative_log(p, q) + (T::one() - t) * negative_log(q, p);
        Element { loss, slope: (p - t) / (p * q).max(T::of(LEAST_VARIANCE)) }
    }

    /// For p' in [0, 1]: outside it the kernel gives NaN, which no comparison passes.
    fn element_error(p: Carried, t: Carried, _: f64) -> Element<Carried> {
        // -log, relative: 1 - p, and a quotient or nothing, before the logarithm; 1 u covers the products of these.
        let local = LOG + DIV + 2.0 * U;
        let inside = |p: f64| p.clamp(0.0, 1.0);
        let log_p = monotone(|p| negative_log(inside(p), 1.0 - inside(p)), p, local);
        let log_q = monotone(|p| negative_log(1.0 - inside(p), inside(p)), p, local);
        let not_t = Carried::new(1.0, 0.0) - t;
        Element { loss: t * log_p + not_t * log_q, slope: slope_error(p, t) }
    }
}

/// (1 - t) softplus(z) + t softplus(-z)
pub struct BceWithLogits;

impl Formula for BceWithLogits {
    const OUTPUT: Output = Output::Logit;
    const BOUND: &'static str = "loss: (gamma(depth + 5) + EXP + LOG + DIV) * loss; dpred: (2 EXP + 2 DIV + 7u) * \
        upstream / cols * ((1 - t) s(z) + t s(-z))";

    #[inline(always)]
    fn element<T: Scalar>(z: T, t: T, _: T) -> Element<T> {
        let not_t = T::one() - t;
        let loss = not_t * Softplus {}.value(z) + t * Softplus {}.value(-z);
        Element { loss, slope: not_t * Sigmoid {}.value(z) - t * Sigmoid {}.value(-z) }
    }

    /// softplus, relative: log1p(e) takes at most the relative error of e (its condition is at most 1), then its own, then
    /// one sum. Sigmoid, relative: exp in numerator and denominator, a sum, a division. One more u covers the products of
    /// these.
    fn element_error(z: Carried, t: Carried, _: f64) -> Element<Carried> {
        let not_t = Carried::new(1.0, 0.0) - t;
        let softplus = |z| monotone(|z| Softplus {}.value(z), z, EXP + LOG + 2.0 * U);
        let sigmoid = |z| monotone(|z| Sigmoid {}.value(z), z, 2.0 * EXP + DIV + 2.0 * U);
        Element { loss: not_t * softplus(z) + t * softplus(-z), slope: not_t * sigmoid(z) - t * sigmoid(-z) }
    }
}

/// max(0, 1 - t y)
pub struct Hinge;

impl Formula for Hinge {
    const OUTPUT: Output = Output::Margin;
    const PIECE: Option<Piece> = Some(|y, t, _| Some(sign(1.0 - t * y)));
    const BOUND: &'static str =
        "loss: (gamma(depth + 1) + DIV) * loss + u * mean|t y| (0 for t = 1, -1); dpred: (DIV + 2u) |dpred|";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, _: T) -> Element<T> {
        let margin = T::one() - t * y;
        if margin <= T::zero() {
            Element { loss: T::zero(), slope: T::zero() }
        } else {
            Element { loss: margin, slope: -t }
        }
    }

    /// The side of the kink is uncertain where the product's error reaches it; the last difference rounds, but keeps its
    /// sign.
    fn element_error(y: Carried, t: Carried, _: f64) -> Element<Carried> {
        let mut product = t * y;
        let exact = y.error == 0.0 && t.error == 0.0 && f64::from(product.value as f32) == product.value;
        if exact && (product.value == 0.0 || product.value.abs() >= TINY) {
            product.error = 0.0;
        }
        let margin = Carried::new(1.0, 0.0) - product;
        let inside = margin.value > 0.0;
        let uncertain = product.error > 0.0 && margin.value.abs() <= product.error;
        let slope = if inside { -t.value } else { 0.0 };
        let slope_error = match (uncertain, inside) {
            (true, _) => t.magnitude(),
            (false, true) => t.error,
            (false, false) => 0.0,
        };
        let loss_error = if inside || uncertain { margin.error } else { 0.0 };
        Element { loss: Carried::new(margin.value.max(0.0), loss_error), slope: Carried::new(slope, slope_error) }
    }
}

/// max(q (t - y), (q - 1) (t - y))
pub struct Quantile;

impl Formula for Quantile {
    const PARAMETER: Option<Parameter> = Some(Parameter {
        key: "q",
        constant: "QUANTILE",
        range: "a number above 0 and below 1",
        valid: |q| q > 0.0 && q < 1.0,
    });
    const PIECE: Option<Piece> = Some(|y, t, _| Some(sign(y - t)));
    const BOUND: &'static str =
        "loss: (gamma(depth + 2) + DIV) * loss + 2u mean|d|; dpred: (DIV + 3u) |dpred| + u upstream / cols";

    #[inline(always)]
    fn element<T: Scalar>(y: T, t: T, q: T) -> Element<T> {
        let d = y - t;
        let above = T::one() - q;
        let slope = if d > T::zero() {
            above
        } else if d < T::zero() {
            -q
        } else {
            T::of(0.5) - q
        };
        let factor = if d > T::zero() { above } else { q };
        Element { loss: factor * d.abs(), slope }
    }

    /// q rounds to f32. The side is uncertain as in [`Mae`]; then the loss is off by the steeper slope times the error of the
    /// difference at most, and the slope by 1, which is how far both sides are apart.
    fn element_error(y: Carried, t: Carried, q: f64) -> Element<Carried> {
        let d = y - t;
        let reach = y.error + t.error;
        let uncertain = if d.value == 0.0 { reach > 0.0 } else { d.value.abs() <= reach.max(TINY) };
        let below = Carried::rounded(q);
        let above = Carried::new(1.0, 0.0) - below;
        let factor = if d.value > 0.0 { above } else { below };
        let mut loss = factor * Carried::new(d.value.abs(), d.error);
        let mut slope = match sign(d.value) {
            1 => above,
            0 => Carried::new(0.5, 0.0) - below,
            _ => -below,
        };
        if uncertain {
            loss.error += q.max(1.0 - q) * (d.error + TINY);
            slope.error += 1.0;
        }
        Element { loss, slope }
    }
}
