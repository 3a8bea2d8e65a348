//! Optimizer steps over a whole arena of parameters, a rule each, and the passes of Adafactor over one parameter. To add one: its rule
//! and row here, its text `shaders/lib/optimizer/<name>.wgsl`, and its constants (`optim/choice.rs`).
//!
//! Shapes: grad, param and each state `[n]`; hyper `[steps, hyper_stride]`, of which a row is a [`Hyper`]. The shaders state
//! numerics and sources. A rule takes the gradient and what is updated, `[param, states..]`; over values with errors it is the
//! bound, for which constants and hyper are rounded to f32 once.

mod cases;
mod number;
mod update;

use super::bound::{TINY, U};
use super::conformance::{ROWS_COLS, Shape, Values};
use super::cpu::carried::Carried;
use super::definition::{
    Args, BoundCall, Call, Definition, Param, StepPart, lines, listed, read, step, strips, update, write,
};
use super::scalar::Scalar;
use cases::Rates;
use number::{Number, own_square_limit};
use rayon::prelude::*;
use update::{bound_each, each};

pub use update::{HYPER_COLUMNS, Hyper};

macro_rules! steps {
    ($($name:ident: $rule:ident, $row:ident, [$($state:expr),*], [$($param:literal),*], $constants:ident, $strips:literal, $part:expr,
        $flops:literal, $bound:literal;)*) => {
        listed! {$(
            /// A step over a whole arena; its rule says what it computes.
            $name = Definition {
                name: stringify!($name),
                wgsl: include_str!("../../shaders/optimizer_step.wgsl"),
                formula: include_str!(concat!("../../shaders/lib/optimizer/", stringify!($name), ".wgsl")),
                bindings: &[
                    step(),
                    read("hyper")
                        .whole(|a, steps| steps * a.size(1))
                        .of(Values::Table(|t| cases::$row(Rates::after(t)).to_vec())),
                    read("grad"),
                    update("param"),
                    $($state),*
                ],
                params: &["n", "hyper_stride", $($param),*],
                groups: strips,
                divided: true,
                flops: |a| $flops * a.count(0),
                // The gradient; parameter and states are read and written.
                bytes: |a| 4 * (3 + 2 * <[&str]>::len(&[$(stringify!($state)),*]) as u64) * a.count(0),
                bound_formula: $bound,
                bound: |call| bound_each(call, $rule(call.args, Hyper::of_bound(call))),
                cpu_f32: |call| each(call, $rule(call.args, Hyper::of(call))),
                cpu_f64: |call| each(call, $rule(call.args, Hyper::of(call))),
                strips: $strips,
                step_part: $part,
                shapes: |_| cases::updates($strips, cases::$constants),
                ..Definition::NEW
            };
        )*
            /// moment_oi = (1 - w) moment_oi + w mean_k(grad_oki^2), over one axis of the gradient: of its rows, of its columns, or
            /// of each number. Shapes: grad `[outer, count, inner]`, moment `[outer, inner]`. Order of sums: rising k.
            adafactor_moment = ADAFACTOR_MOMENT;
            /// direction = grad / sqrt(max(V, eps1^2)), V_ij = row_i / max(total / all_rows, eps1) column_j, or, without FACTORED,
            /// row_i. Shapes: grad, direction `[rows, cols]`, row `[rows]`, column `[cols]`, total `[1]`; without FACTORED column
            /// and total may be anything.
            adafactor_direction = ADAFACTOR_DIRECTION;
            /// param = param (1 - lr weight_decay) - max(eps2, rms(param)) rho / max(1, rms(direction) / d) direction. Shapes:
            /// direction, param `[n]`; squares, size `[1]`, the sums of the squares of direction and of param over all count
            /// elements. No sums.
            adafactor_step = ADAFACTOR_STEP;
        }
    };
}

// name: rule, its numbers of a row of the table in cases, states, params behind n and hyper_stride and what cases put there, whether
// an invocation may take several words, part of whole steps, operations an element, bound
steps! {
    sgd_step: sgd, PLAIN, [], ["weight_decay"], DECAY, true, Some(StepPart::Update(0)), 4,
        "u |p'| + |lr| (3u |d| + 2u |weight_decay p|)";

    sgd_momentum_step: sgd_momentum, MOMENTUM, [update("velocity")], ["nesterov", "weight_decay"], NESTEROV, true,
        Some(StepPart::Update(1)), 7,
        "d: u |d| + 2u |weight_decay p|; velocity: that + 2u |momentum v| + u |v'|; param: u |p'| + 2u |lr v'| + |lr| times \
         that";

    adam_step: adam, ADAM, [update("m"), update("v").of(Values::Square)], ["beta2", "one_minus_beta2", "eps", "weight_decay"], BETA2, true,
        Some(StepPart::Update(2)), 15,
        "m: u |m'| + 2u (|beta1 m| + |(1 - beta1) g|); v: u v' + 2u beta2 v + 3u (1 - beta2) g^2; param: u |p'| + (SQRT + \
         DIV + 6u) |step|, and m and v carried through the quotient";

    adamw_step: adamw, ADAM, [update("m"), update("v").of(Values::Square)], ["beta2", "one_minus_beta2", "eps", "weight_decay"], BETA2, true,
        Some(StepPart::Update(3)), 15,
        "as adam_step; param: and 2u |p| + 3u |lr weight_decay p| for the shrinkage";

    nadam_step: nadam, NADAM, [update("m"), update("v").of(Values::Square)], ["beta2", "one_minus_beta2", "eps", "weight_decay"], BETA2, false,
        None, 17,
        "m, v: as adam_step; param: u |p'| + (SQRT + DIV + 8u) |step|, and g, m and v carried through the quotient";

    rmsprop_step: rmsprop, PLAIN, [update("square").of(Values::Square)], ["alpha", "one_minus_alpha", "eps", "weight_decay"],
        ALPHA, false, None, 11,
        "square: u s' + 2u alpha s + 3u (1 - alpha) g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and square carried \
         through the quotient";

    rmsprop_momentum_step: rmsprop_momentum, MOMENTUM, [update("square").of(Values::Square), update("velocity")],
        ["alpha", "one_minus_alpha", "eps", "weight_decay"], ALPHA, false, None, 13,
        "square: as rmsprop_step; velocity: u |v'| + 2u |momentum v| + (SQRT + DIV + 2u) |quotient|, and g and square carried \
         through it; param: u |p'| + 2u |lr v'| + |lr| times that";

    rmsprop_centered_step: rmsprop_centered, MOMENTUM,
        [update("square").of(Values::Square), update("velocity"), update("mean").of(Values::Own(cases::means))],
        ["alpha", "one_minus_alpha", "eps", "weight_decay"], ALPHA, false, None, 18,
        "square: as rmsprop_step; mean: u |m'| + 2u (|alpha m| + |(1 - alpha) g|); velocity and param: as \
         rmsprop_momentum_step, with the errors of square and of mean^2 in the quotient";

    adagrad_step: adagrad, ADAGRAD, [update("sum").of(Values::Square)], ["eps", "weight_decay"], EPS, false, None, 9,
        "sum: u s' + 2u g^2; param: u |p'| + (SQRT + DIV + 4u) |step|, and g and sum carried through the quotient";

    lion_step: lion, LION, [update("m")], ["beta2", "one_minus_beta2", "weight_decay"], SHORT_BETA2, false, None, 10,
        "m: u |m'| + 2u (|beta2 m| + |(1 - beta2) g|); param: u |p'| + 2u |p| + 3u |lr weight_decay p| + u |lr|; 2 |lr| more \
         where the sign is within its error";
}

/// The parameters of a call from position 2 on.
fn constants<X: Number, const N: usize>(args: &Args) -> [X; N] {
    std::array::from_fn(|i| X::rounded(args.number(2 + i)))
}

/// d = g + weight_decay * p; p = p - lr * d.
fn sgd<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 1]) -> [X; 1] + use<X> {
    let [weight_decay]: [X; 1] = constants(args);
    move |g, [p]| [p - h.lr * (g + weight_decay * p)]
}

/// d = g + weight_decay * p; v = momentum * v + d; p = p - lr * v, or p - lr * (d + momentum * v) with Nesterov's look-ahead.
fn sgd_momentum<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 2]) -> [X; 2] + use<X> {
    let (nesterov, weight_decay) = (args.size(2) != 0, X::rounded(args.number(3)));
    move |g, [p, velocity]| {
        let d = g + weight_decay * p;
        let v = h.momentum * velocity + d;
        [p - h.lr * if nesterov { d + h.momentum * v } else { v }, v]
    }
}

/// The constants of a moving average, and what stands behind them.
#[derive(Clone, Copy)]
struct Average<X> {
    kept: X,
    added: X,
    eps: X,
    weight_decay: X,
}

impl<X: Number> Average<X> {
    /// Of the parameters that the rules of Adam and of RMSProp share.
    fn of(args: &Args) -> Self {
        let [kept, added, eps, weight_decay] = constants(args);
        Average { kept, added, eps, weight_decay }
    }

    /// `mean` with `next` in it.
    #[inline(always)]
    fn next(&self, mean: X, next: X) -> X {
        self.kept * mean + self.added * next
    }

    /// What |g| / (sqrt(s) k + eps) is at most for the mean s of squares: s is at least `added` g^2.
    fn limit(&self, k: X) -> f64 {
        own_square_limit(self.added, k, self.eps)
    }
}

/// The moments of Adam and its kin and the direction that they give.
#[derive(Clone, Copy)]
struct Moments<X> {
    h: Hyper<X>,
    /// Of the second moment.
    average: Average<X>,
}

impl<X: Number> Moments<X> {
    /// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2.
    #[inline(always)]
    fn next(&self, g: X, m: X, v: X) -> [X; 2] {
        [self.h.momentum * m + self.h.one_minus_momentum * g, self.average.next(v, g * g)]
    }

    /// `x` / (sqrt(v) * inv_sqrt_bias2 + eps).
    #[inline(always)]
    fn over_root(&self, x: X, v: X, limit: impl Fn() -> f64) -> X {
        x.over_root(v, self.h.inv_sqrt_bias2, self.average.eps, limit)
    }

    /// Adam's step from the moments m and v on.
    #[inline(always)]
    fn step(&self, g: X, [p, m, v]: [X; 3]) -> [X; 3] {
        let [next_m, next_v] = self.next(g, m, v);
        [p - self.h.step_size * self.over_root(next_m, next_v, || self.limit(m, v)), next_m, next_v]
    }

    /// The largest |m' / (sqrt(v') k + eps)| that any gradient can give from the moments m and v on, k = inv_sqrt_bias2: with v'
    /// at least beta2 v and at least (1 - beta2) g^2, it is at most
    /// beta1 |m| / (sqrt(beta2 v) k + eps) + (1 - beta1) / (sqrt(1 - beta2) k). A bound needs this where the gradient's error
    /// exceeds the gradient. All terms are positive and each goes through fewer than 64 roundings; where (1 - beta2) g^2 is
    /// flushed, eps alone divides.
    fn limit(&self, m: X, v: X) -> f64 {
        let (k, eps) = (self.h.inv_sqrt_bias2.least(), self.average.eps.least());
        let divisor = (self.average.kept.least() * v.least()).sqrt() * k + eps;
        let old = if m.most() == 0.0 { 0.0 } else { self.h.momentum.most() * m.most() / divisor };
        let new = self.h.one_minus_momentum.most() / (self.average.added.least().sqrt() * k);
        let flushed = self.h.one_minus_momentum.most() * (TINY / self.average.added.least()).sqrt() / eps;
        (old + new) * (1.0 + 64.0 * U) + flushed
    }
}

/// g' = g + weight_decay * p; m, v from g'; p = p - step_size * m / (sqrt(v) * inv_sqrt_bias2 + eps).
fn adam<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 3]) -> [X; 3] + use<X> {
    let moments = Moments { h, average: Average::of(args) };
    move |g, [p, m, v]| moments.step(g + moments.average.weight_decay * p, [p, m, v])
}

/// p = p * (1 - lr * weight_decay), then as adam with g' = g.
fn adamw<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 3]) -> [X; 3] + use<X> {
    let moments = Moments { h, average: Average::of(args) };
    let shrink = X::exact(1.0) - h.lr * moments.average.weight_decay;
    move |g, [p, m, v]| moments.step(g, [p * shrink, m, v])
}

/// g', m and v as adam; p = p - (grad_size * g' + moment_size * m) / (sqrt(v) * inv_sqrt_bias2 + eps), where grad_size stands in
/// the place of step_size.
fn nadam<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 3]) -> [X; 3] + use<X> {
    let moments = Moments { h, average: Average::of(args) };
    let own = moments.average.limit(h.inv_sqrt_bias2);
    move |g, [p, m, v]| {
        let g = g + moments.average.weight_decay * p;
        let [next_m, next_v] = moments.next(g, m, v);
        let direction = h.step_size * g + h.moment_size * next_m;
        let limit = || (h.moment_size.most() * moments.limit(m, v) + h.step_size.most() * own) * (1.0 + 64.0 * U);
        [p - moments.over_root(direction, next_v, limit), next_m, next_v]
    }
}

/// g' = g + weight_decay * p; s = alpha s + (1 - alpha) g'^2; p = p - lr * g' / (sqrt(s) + eps).
fn rmsprop<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 2]) -> [X; 2] + use<X> {
    let (c, one) = (Average::of(args), X::exact(1.0));
    let limit = c.limit(one);
    move |g, [p, square]| {
        let g = g + c.weight_decay * p;
        let s = c.next(square, g * g);
        [p - h.lr * g.over_root(s, one, c.eps, || limit), s]
    }
}

/// g' and s as rmsprop; v = momentum v + g' / (sqrt(s) + eps); p = p - lr * v.
fn rmsprop_momentum<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 3]) -> [X; 3] + use<X> {
    let (c, one) = (Average::of(args), X::exact(1.0));
    let limit = c.limit(one);
    move |g, [p, square, velocity]| {
        let g = g + c.weight_decay * p;
        let s = c.next(square, g * g);
        let v = h.momentum * velocity + g.over_root(s, one, c.eps, || limit);
        [p - h.lr * v, s, v]
    }
}

/// g' and s as rmsprop; m = alpha m + (1 - alpha) g'; v = momentum v + g' / (sqrt(max(s - m^2, 0)) + eps); p = p - lr * v. s - m^2
/// is a variance: where rounding makes it negative it counts as 0.
fn rmsprop_centered<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 4]) -> [X; 4] + use<X> {
    let (c, one) = (Average::of(args), X::exact(1.0));
    move |g, [p, square, velocity, mean]| {
        let g = g + c.weight_decay * p;
        let (s, m) = (c.next(square, g * g), c.next(mean, g));
        let variance = (s - m * m).at_least(X::exact(0.0));
        let v = h.momentum * velocity + g.over_root(variance, one, c.eps, || f64::INFINITY);
        [p - h.lr * v, s, v, m]
    }
}

/// g' = g + weight_decay * p; s = s + g'^2; p = p - step_size * g' / (sqrt(s) + eps).
fn adagrad<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 2]) -> [X; 2] + use<X> {
    let [eps, weight_decay]: [X; 2] = constants(args);
    let one = X::exact(1.0);
    let limit = own_square_limit(one, one, eps);
    move |g, [p, sum]| {
        let g = g + weight_decay * p;
        let s = sum + g * g;
        [p - h.step_size * g.over_root(s, one, eps, || limit), s]
    }
}

/// p = p * (1 - lr * weight_decay) - lr * sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g.
fn lion<X: Number>(args: &Args, h: Hyper<X>) -> impl Fn(X, [X; 2]) -> [X; 2] + use<X> {
    let [beta2, one_minus_beta2, weight_decay]: [X; 3] = constants(args);
    let shrink = X::exact(1.0) - h.lr * weight_decay;
    move |g, [p, m]| {
        let direction = h.momentum * m + h.one_minus_momentum * g;
        [p * shrink - h.lr * direction.sign(), beta2 * m + one_minus_beta2 * g]
    }
}

/// What the passes of Adafactor share.
const ADAFACTOR: Definition =
    Definition { wgsl: include_str!("../../shaders/adafactor.wgsl"), divided: true, ..Definition::NEW };

const ADAFACTOR_MOMENT: Definition = Definition {
    name: "adafactor_moment",
    bindings: &[
        step(),
        read("hyper").whole(|a, steps| steps * a.size(1)).of(Values::Table(adafactor_row)),
        read("grad").rows(|a| a.size(2) * a.size(3)),
        update("moment").rows(|a| a.size(3)).of(Values::Square),
    ],
    params: &["outer", "hyper_stride", "count", "inner"],
    groups: |a| lines(a.count(0) * a.count(3)),
    flops: |a| a.count(0) * a.count(3) * (2 * a.count(2) + 4),
    bytes: |a| 4 * a.count(0) * a.count(3) * (a.count(2) + 2),
    rounds: |a| a.count(2),
    bound_formula: "the formula over values with errors: gamma(count + 1) for the sum of squares",
    bound: moment_bound,
    cpu_f32: moment,
    cpu_f64: moment,
    parts: Some(moment_parts),
    shapes: |_| adafactor_moments(),
    ..ADAFACTOR
};

const ADAFACTOR_DIRECTION: Definition = Definition {
    name: "adafactor_direction",
    bindings: &[
        read("grad").matrix(),
        read("row").of(Values::Square),
        read("column").whole(|a, _| if is_factored(a) { a.size(1) } else { 1 }).of(Values::Square),
        read("total").one().of(Values::Square),
        write("direction").matrix(),
    ],
    params: &["rows", "cols", "all_rows", "eps1", "square_eps1"],
    groups: |a| lines(a.area()),
    flops: |a| 6 * a.area(),
    bytes: |a| 4 * (2 * a.area() + a.count(0) + a.count(1) + 1),
    bound_formula: "the formula over values with errors: 2 DIV + u for V, RSQRT = 4u for inverseSqrt",
    bound: direction_bound,
    cpu_f32: direction,
    cpu_f64: direction,
    shapes: |_| adafactor_directions(),
    ..ADAFACTOR
};

const ADAFACTOR_STEP: Definition = Definition {
    name: "adafactor_step",
    bindings: &[
        step(),
        read("hyper").whole(|a, steps| steps * a.size(1)).of(Values::Table(adafactor_row)),
        read("direction"),
        read("squares").one().of(Values::Square),
        read("size").one().of(Values::Square),
        update("param"),
    ],
    params: &["n", "hyper_stride", "count", "eps2", "d", "weight_decay"],
    groups: |a| lines(a.count(0)),
    flops: |a| 14 * a.count(0),
    bytes: |a| 4 * (3 * a.count(0) + 2),
    bound_formula: "u |p'| + 2u |p| + 3u |lr weight_decay p| + (2 SQRT + 4 DIV + 2u) |step|, and squares and size carried through it",
    bound: |call| {
        let [squares, size] = [3, 4].map(|i| Carried::input(&call.inputs[i], 0));
        bound_each(call, adafactor(call.args, Hyper::of_bound(call), squares, size))
    },
    cpu_f32: adafactor_step,
    cpu_f64: adafactor_step,
    shapes: |_| adafactor_steps(),
    ..ADAFACTOR
};

fn is_factored(args: &Args) -> bool {
    args.constant("FACTORED") != 0.0
}

/// From `at`, an element of the moment, its terms among the gradient's elements.
fn moment_parts(args: &Args, _: usize, at: usize) -> [usize; 3] {
    let [count, inner] = [2, 3].map(|i| args.size(i));
    [at / inner * count * inner + at % inner, inner, count]
}

/// Row by row where the terms of a mean are rows, because the numbers of a row are neighbours; each sum is in rising order.
fn moment<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let h = Hyper::of(call);
    let [count, inner] = [2, 3].map(|i| call.args.size(i));
    let grad = call.inputs[2].f();
    let [moment] = call.outputs();
    moment.par_chunks_mut(inner).zip(grad.par_chunks(count * inner)).with_min_len(16).for_each(|(moment, grad)| {
        let mut sums = vec![T::zero(); inner];
        for row in grad.chunks(inner) {
            sums.iter_mut().zip(row).for_each(|(sum, &g)| *sum += g * g);
        }
        for (moment, sum) in moment.iter_mut().zip(sums) {
            *moment = averaged(&h, *moment, sum / T::of(count as f64));
        }
    });
}

/// The averaged moment with another mean in it.
fn averaged<X: Number>(h: &Hyper<X>, moment: X, mean: X) -> X {
    h.momentum * moment + h.one_minus_momentum * mean
}

/// The error bound: the formula over values that carry errors.
fn moment_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let h = Hyper::of_bound(call);
    let of = |at: usize| {
        let [first, step, count] = moment_parts(call.args, 2, at);
        let square = |k: usize| {
            let g = Carried::input(&call.inputs[2], first + k * step);
            g * g
        };
        averaged(&h, Carried::input(&call.before[0], at), Number::mean((0..count).map(square), count)).error
    };
    vec![(0..call.args.size(0) * call.args.size(3)).map(of).collect()]
}

/// From a gradient, its row's and its column's moment, its direction; `total` is the sum of the rows' moments.
fn rule_of_direction<X: Number>(args: &Args, total: X) -> impl Fn(X, X, X) -> X + use<X> {
    let (factored, rows) = (is_factored(args), X::rounded(args.size(2) as f64));
    let [eps1, square] = [3, 4].map(|i| X::rounded(args.number(i)));
    let mean = total.over_at_least(rows, rows);
    move |g, row, column| {
        let v = if factored { row.over_at_least(mean, eps1) * column } else { row };
        g * v.inverse_root_at_least(square)
    }
}

fn direction<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let cols = call.args.size(1);
    let [grad, rows, column, total] = std::array::from_fn(|i| call.inputs[i].f());
    let rule = rule_of_direction(call.args, total[0]);
    let column_of = |j: usize| column.get(j).copied().unwrap_or_default();
    let [direction] = call.outputs();
    let parts = direction.par_chunks_mut(cols).zip(grad.par_chunks(cols)).zip(rows).with_min_len(16);
    parts.for_each(|((direction, grad), &row)| {
        for (j, (direction, &g)) in direction.iter_mut().zip(grad).enumerate() {
            *direction = rule(g, row, column_of(j));
        }
    });
}

/// The error bound: the formula over values that carry errors.
fn direction_bound(call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    let [rows, cols] = call.args.sizes();
    let input = |i: usize, at: usize| Carried::input(&call.inputs[i], at);
    let rule = rule_of_direction(call.args, input(3, 0));
    let column = |j: usize| if is_factored(call.args) { input(2, j) } else { Carried::new(0.0, 0.0) };
    vec![(0..rows * cols).map(|i| rule(input(0, i), input(1, i / cols), column(i % cols)).error).collect()]
}

/// The step along the direction, as the root mean squares of direction and parameter bound it.
fn adafactor<X: Number>(args: &Args, h: Hyper<X>, squares: X, size: X) -> impl Fn(X, [X; 1]) -> [X; 1] + use<X> {
    let (count, one) = (X::rounded(args.size(2) as f64), X::exact(1.0));
    let [eps2, d, weight_decay] = [3, 4, 5].map(|i| X::rounded(args.number(i)));
    let rms = |squares: X| squares.over_at_least(count, count).root();
    let alpha = rms(size).at_least(eps2) * h.step_size;
    let factor = alpha.over_at_least(rms(squares).over_at_least(d, d), one);
    let shrink = one - h.lr * weight_decay;
    move |direction, [p]| [p * shrink - factor * direction]
}

fn adafactor_step<T: Scalar>(call: &mut Call<'_, '_, T>) {
    let rule = adafactor(call.args, Hyper::of(call), call.inputs[3].f()[0], call.inputs[4].f()[0]);
    each(call, rule);
}

/// A row of the table as Adafactor reads it after `t` steps; what is not used is poisoned.
fn adafactor_row(t: usize) -> Vec<f64> {
    let share = ((t + 1) as f64).powf(-0.8);
    vec![0.05, 0.03 / (t + 1) as f64, f64::NAN, f64::NAN, 1.0 - share, share]
}

/// Means over rows, over columns and over nothing.
fn adafactor_moments() -> Vec<Shape> {
    let of = |[rows, cols]: [usize; 2]| {
        [[rows, cols, 1], [1, rows, cols], [rows, 1, 1]]
            .map(|[outer, count, inner]| Shape::of(&[outer, HYPER_COLUMNS, count, inner]))
    };
    let folded = Shape::of(&[97 * 64 + 5, HYPER_COLUMNS, 3, 1]).folded(7);
    ROWS_COLS.into_iter().flat_map(of).chain([folded]).collect()
}

/// Of a parameter's all rows, and of a block of them; then of vectors. The middle one is factored, where the cases with NaN come from.
fn adafactor_directions() -> Vec<Shape> {
    let of = |rows: usize, cols: usize, factored: f64| {
        let tail = [Param::U(2 * rows as u32), Param::F(1e-3), Param::F(1e-6)];
        Shape::of(&[rows, cols]).and(&tail).with(&[("FACTORED", factored)])
    };
    let matrices = ROWS_COLS.into_iter().map(|[rows, cols]| of(rows, cols, 1.0));
    let folded = of(97 * 8, 67, 1.0).folded(7);
    matrices.chain([folded]).chain([1, 64, 65, 1000].map(|n| of(n, 1, 0.0))).collect()
}

/// With and without weight decay, where the direction is bounded and where it is not.
fn adafactor_steps() -> Vec<Shape> {
    let of = |n: usize, d: f64, decay: f64| {
        let tail = [Param::U(n as u32 + 7), Param::F(1e-3), Param::F(d), Param::F(decay)];
        Shape::of(&[n, HYPER_COLUMNS]).and(&tail)
    };
    let all = [1, 63, 64, 97, 1000].map(|n| [of(n, 1.0, 0.0), of(n, 1e-3, 0.01)]);
    all.into_iter().flatten().chain([of(97 * 64 + 5, 1.0, 0.01).folded(7)]).collect()
}
