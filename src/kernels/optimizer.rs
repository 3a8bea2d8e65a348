//! Optimizer steps over a whole arena of parameters, a rule each. To add one: its rule and row here, its text
//! `shaders/lib/optimizer/<name>.wgsl`, and its constants (`optim/choice.rs`, `optim/hyper.rs`).
//!
//! Shapes: grad, param and each state `[n]`; hyper `[steps, hyper_stride]`, of which a row is a [`Hyper`]. The shaders state
//! numerics and sources. A rule takes the gradient and what is updated, `[param, states..]`; over values with errors it is the
//! bound, for which constants and hyper are rounded to f32 once.

mod cases;
#[doc(hidden)]
pub mod number;
mod update;

use super::bound::{TINY, U};
use super::conformance::Values;
use super::definition::{Args, Definition, StepPart, listed, read, step, strips, update};
use cases::Rates;
use number::{Number, own_square_limit};
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
        )*}
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
