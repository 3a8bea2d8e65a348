//! Activations: for each a row of the table below, its `Formula` and its text in `shaders/lib/activation/`.
//!
//! From them come the two kernels of each, element by element over `[n]`, and what the epilogues of matrix products and whole
//! steps switch over (`ACT`, `SLOPE`, `activate_as`). Derivatives are taken from the pre-activation x, not from the output y:
//! `y (1 - y)` loses all digits where y rounds to 1. Every error bound has a carried part, for an input that has an error, and
//! a local part, for the rounding in f32.

mod row;

pub(super) use row::Formula;
pub use row::Onnx;

use super::bound::{self, DIV, EXP, LOG, NORMAL_TAIL, SIGMOID, TANH, TINY, U};
use super::definition::{Args, listed};
use super::scalar::{Scalar, normal_cdf, normal_density};
use row::{FromArgs, activations, formula, gradients, second, shapes, values};

activations! { ($)
    /// y = x
    Identity: identity, identity_grad;
    /// y = 1 / (1 + exp(-x))
    Sigmoid: sigmoid, sigmoid_grad;
    /// y = tanh(x)
    Tanh: tanh, tanh_grad;
    /// y = max(x, 0); the derivative at 0 is 0
    Relu: relu, relu_grad;
    /// y = x for x > 0, `slope` * x otherwise; the derivative at 0 is `slope`
    LeakyRelu {
        /// Slope of the negative side; 0.01 by default, as in PyTorch.
        slope = 0.01
    }: leaky_relu, leaky_relu_grad;
    /// y = x * Phi(x), with Phi the standard normal distribution function (erf form)
    Gelu: gelu, gelu_grad;
    /// y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
    GeluTanh: gelu_tanh, gelu_tanh_grad;
    /// y = x * sigmoid(x)
    Silu: silu, silu_grad;
    /// y = log(1 + exp(x))
    Softplus: softplus, softplus_grad;
    /// y = x * tanh(log(1 + exp(x)))
    Mish: mish, mish_grad;
}

mod choice;

pub(super) use choice::switches;

impl Formula for Identity {
    const BOUND: &'static str = "0";
    const GRADIENT_BOUND: &'static str = "0";
    const ONNX: Onnx = Onnx::Same;
    const LINEAR: bool = true;

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _x: T) -> T {
        T::one()
    }

    fn value_error(self, _x: f64, e: f64) -> f64 {
        e
    }

    fn derivative_error(self, _x: f64, _e: f64) -> f64 {
        0.0
    }

    fn gradient_error(self, _dy: f64, e: f64, _x: f64, _ex: f64) -> f64 {
        e
    }
}

impl Formula for Sigmoid {
    const BOUND: &'static str = "SIGMOID * |y|, SIGMOID = 2 EXP + u + DIV";
    const GRADIENT_BOUND: &'static str = "two sigmoids and two products";
    const ONNX: Onnx = Onnx::Operator("Sigmoid");
    const LINEAR: bool = true;

    /// By sign, so that exp never overflows and both tails keep full relative precision.
    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        let e = (-x.abs()).exp_safe();
        let above = if x >= T::zero() { T::one() } else { e };
        above / (T::one() + e)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        let e = (-x.abs()).exp_safe();
        let d = T::one() + e;
        e / (d * d)
    }

    /// Carried part: monotone. Local part, relative: exp, a sum, a division.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::monotone(|x| self.value(x), x, e);
        carried + SIGMOID * (self.value(x) + carried) + TINY
    }

    /// s(x) and s(-x) carry their own errors; the product rule joins them, tight to a factor of two. (e / (1 + e)^2 errs less
    /// than two sigmoids.)
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        bound::product(self.value(x), self.value_error(x, e), self.value(-x), self.value_error(-x, e))
    }
}

impl Formula for Tanh {
    const BOUND: &'static str = "TANH * |y|";
    const GRADIENT_BOUND: &'static str = "(2 EXP + DIV + 4u) * |y'|, and the product with dy";
    const ONNX: Onnx = Onnx::Operator("Tanh");
    const LINEAR: bool = true;

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x.tanh_safe()
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        let e = (T::of(-2.0) * x.abs()).exp_safe();
        let d = T::one() + e;
        T::of(4.0) * e / (d * d)
    }

    /// Carried part: monotone. Local part: TANH, relative.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::monotone(|x| self.value(x), x, e);
        carried + TANH * (self.value(x).abs() + carried) + TINY
    }

    /// Carried part: f'' = -2 tanh(x) f', at most 4 / (3 sqrt 3) < 0.77; the third derivative is at most 2, at 0. Local
    /// part, relative: exp above, and twice at half weight below; a sum twice; a square; a division.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let exact = self.derivative(x);
        let carried = bound::smooth(2.0 * x.tanh() * exact, 0.77, 2.0, e);
        carried + (2.0 * EXP + DIV + 4.0 * U) * (exact + carried) + 4.0 * TINY
    }
}

/// True where an input that carries error `e`, or is flushed to 0, may fall on the other side of a kink at 0.
fn may_flip(x: f64, e: f64) -> bool {
    if x > 0.0 { x - e < TINY } else { x + e > 0.0 }
}

impl Formula for Relu {
    const BOUND: &'static str = "0";
    const GRADIENT_BOUND: &'static str = "0; |dy| where x is within its error of 0";
    const ONNX: Onnx = Onnx::Operator("Relu");
    const KINK: bool = true;

    /// NaN passes, so that a diverging run is seen.
    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        if x <= T::zero() { T::zero() } else { x }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        if x > T::zero() { T::one() } else { T::zero() }
    }

    /// Slope 1 at most, 0 where x is surely negative. A denormal may be flushed.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = if x <= 0.0 { (x + e).max(0.0) } else { e };
        let flushed = if x > 0.0 && x - e < TINY { TINY } else { 0.0 };
        carried + flushed
    }

    /// 1 where the side is uncertain.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        if may_flip(x, e) { 1.0 } else { 0.0 }
    }

    fn gradient_error(self, dy: f64, e: f64, x: f64, ex: f64) -> f64 {
        bound::masked(dy, e, self.derivative(x), self.derivative_error(x, ex))
    }

    fn keeps_sign(self) -> bool {
        true
    }
}

impl Formula for LeakyRelu {
    const BOUND: &'static str = "2u * |slope x| for x < 0";
    const GRADIENT_BOUND: &'static str = "2u * |slope dy| for x < 0; |1 - slope| |dy| where x is within its error of 0";
    const ONNX: Onnx = Onnx::Alpha("LeakyRelu");
    const KINK: bool = true;

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        if x <= T::zero() { T::of(self.slope) * x } else { x }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        if x > T::zero() { T::one() } else { T::of(self.slope) }
    }

    /// Carried part: the function has slope 1 or `slope` on either side of 0, and at most the larger across it. Local
    /// part, where x may be negative: the rounding of `slope` to f32 and of the product; denormals may be flushed.
    fn value_error(self, x: f64, e: f64) -> f64 {
        if x > 0.0 && x - e >= TINY {
            return e;
        }
        let slope = self.slope.abs();
        let steepest = if x + e <= 0.0 { slope } else { slope.max(1.0) };
        let reach = x.abs() + e;
        steepest * e + 2.01 * U * slope * reach + TINY * (2.0 + reach)
    }

    /// The rounding of `slope` to f32, and |1 - slope| where the side of the kink is uncertain.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let rounded = U * self.slope.abs() + TINY;
        match (may_flip(x, e), x > 0.0) {
            (true, _) => (1.0 - self.slope).abs() + rounded,
            (false, true) => 0.0,
            (false, false) => rounded,
        }
    }

    fn negative_slope(self) -> f64 {
        self.slope
    }

    fn keeps_sign(self) -> bool {
        self.slope > 0.0
    }
}

impl Formula for Gelu {
    const BOUND: &'static str = "NORMAL_TAIL * |x| Phi(-|x|) + 2u * |y|";
    const GRADIENT_BOUND: &'static str = "NORMAL_TAIL * (Phi(-|x|) + |x| phi(x)) + 2u * |y'|, and the product with dy";
    const ONNX: Onnx = Onnx::Gelu("none");

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x * x.normal_cdf()
    }

    /// In the negative tail x phi(x) outweighs Phi(x) by x^2, so that nothing cancels. Near the zero of the derivative,
    /// -0.7518, the error is absolute.
    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        x.gelu_derivative()
    }

    /// Carried part: |gelu'| <= 1.13 (at sqrt 2), |gelu''| = |phi(x) (2 - x^2)| <= 2 phi(0) < 0.8. Local part: Phi(-|x|)
    /// has the relative error NORMAL_TAIL (its slope is below 0.4), 1 - Phi(-|x|) and the product round once each.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::smooth(self.derivative(x), 1.13, 0.8, e);
        let reach = x.abs() + e;
        let tail = reach * (normal_cdf(-x.abs()) + 0.4 * e).min(0.5);
        carried + NORMAL_TAIL * tail + 2.01 * U * (self.value(x).abs() + carried) + TINY * (1.0 + reach)
    }

    /// Carried part: f'' = phi(x) (2 - x^2), at most 0.8; the third derivative is phi(x) (x^3 - 4x), at most 0.78 (at
    /// 0.80). Local part: with t = |x|, the terms Phi(-t) and t phi(t) have relative errors below NORMAL_TAIL, and the
    /// slope of their sum is t^2 phi(t) < 0.3; then two roundings of the result.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let t = x.abs();
        let carried = bound::smooth(normal_density(x) * (2.0 - x * x), 0.8, 0.78, e);
        let tail = normal_cdf(-t) + t * normal_density(t) + 0.3 * e;
        carried + NORMAL_TAIL * tail + 2.01 * U * (self.derivative(x).abs() + carried) + TINY * (1.0 + t + e)
    }
}

impl GeluTanh {
    /// 2 sqrt(2/pi).
    const LINEAR_PART: f64 = 1.595_769_121_605_730_7;
    /// 0.044715 (the constant of the original paper) times that.
    const CUBIC_PART: f64 = Self::LINEAR_PART * 0.044_715;

    /// The input as the argument sees it: clamped so that the cube stays finite; at 40 the sigmoid is saturated.
    #[inline(always)]
    fn clamped<T: Scalar>(x: T) -> T {
        x.max(T::of(-40.0)).min(T::of(40.0))
    }

    /// v = 2w, the argument of the sigmoid.
    #[inline(always)]
    fn argument<T: Scalar>(x: T) -> T {
        let t = Self::clamped(x);
        t * (t * t * T::of(Self::CUBIC_PART) + T::of(Self::LINEAR_PART))
    }

    /// v'(x).
    #[inline(always)]
    fn argument_slope<T: Scalar>(x: T) -> T {
        let t = Self::clamped(x);
        t * t * T::of(3.0 * Self::LINEAR_PART * 0.044_715) + T::of(Self::LINEAR_PART)
    }

    /// Bound on the error of the computed argument for inputs within `e` of `x`: two constants, three products and a sum,
    /// none of which cancels.
    fn argument_error(x: f64, e: f64) -> f64 {
        bound::gamma(6) * Self::argument(x.abs() + e) + TINY
    }

    /// The second derivative of y: s' (2v' + x v'') + x v'^2 s'', with s'' = s' (1 - 2s).
    fn second_derivative(x: f64) -> f64 {
        let (v, slope, t) = (Self::argument(x), Self::argument_slope(x), Self::clamped(x));
        let curvature = 6.0 * Self::LINEAR_PART * 0.044_715 * t;
        let odd = Sigmoid {}.value(-v) - Sigmoid {}.value(v);
        Sigmoid {}.derivative(v) * (2.0 * slope + t * curvature + t * slope * slope * odd)
    }
}

impl Formula for GeluTanh {
    const BOUND: &'static str = "(SIGMOID + u + gamma(6) |v| s(-v)) * |y|, v the argument of the sigmoid s";
    const GRADIENT_BOUND: &'static str =
        "(2 SIGMOID + gamma(8) + gamma(6) |v|) * (s(v) + |x v'| s'(v)), and the product with dy";
    const ONNX: Onnx = Onnx::Gelu("tanh");

    /// By sigmoid, because 1 + tanh cancels on the negative side.
    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x * Sigmoid {}.value(Self::argument(x))
    }

    /// s (1 - s) as s'(v), without cancellation.
    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        if x.is_nan() {
            return x;
        }
        let v = Self::argument(x);
        Sigmoid {}.value(v) + Self::clamped(x) * Self::argument_slope(x) * Sigmoid {}.derivative(v)
    }

    /// Carried part: |f'| <= 1.13 and |f''| <= 0.8 (maxima 1.1290 at 1.42 and 0.7979 at 0, found numerically). Local part,
    /// relative: an error d of the argument v changes sigmoid(v) by the factor exp(d sigmoid(-v)) at most, to first order, so
    /// that it grows on the negative side with |v|; sigmoid; a product.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::smooth(self.derivative(x), 1.13, 0.8, e);
        let shifted = (1.01 * Self::argument_error(x, e) * Sigmoid {}.value(-Self::argument(x - e))).exp_m1();
        carried + (SIGMOID + 1.01 * U + shifted) * (self.value(x).abs() + carried) + TINY * (1.0 + x.abs() + e)
    }

    /// Carried part: |f''| <= 0.8 and the third derivative is at most 0.78 (maxima 0.7979 at 0 and 0.7767 at 0.78, found
    /// numerically). Local part: an error d of v changes the terms a = s and b = |x| v' s' by the factor exp(d) at most;
    /// sigmoid twice, eight roundings. a + b has a slope below 0.8.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let v = Self::argument(x);
        let carried = bound::smooth(Self::second_derivative(x), 0.8, 0.78, e);
        let a = Sigmoid {}.value(v);
        let b = Self::clamped(x).abs() * Self::argument_slope(x) * Sigmoid {}.derivative(v);
        let relative = 2.0 * SIGMOID + bound::gamma(8) + Self::argument_error(x, e).exp_m1();
        let reach = Self::clamped(x.abs() + e);
        carried + relative * (a + b + 0.8 * e) + U * carried + TINY * (2.0 + reach * Self::argument_slope(reach))
    }
}

impl Formula for Silu {
    const BOUND: &'static str = "(SIGMOID + u) * |y|";
    const GRADIENT_BOUND: &'static str =
        "(SIGMOID + 2u) * s(x) + (2 SIGMOID + 4u) * |x| s(x) s(-x), and the product with dy";
    // There is no operator of this name before opset 24.
    const ONNX: Onnx = Onnx::Gate("Sigmoid");

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x * Sigmoid {}.value(x)
    }

    /// s(-x) is computed as such, not as 1 - s(x). Near the zero of the derivative, -1.2785, the error is absolute.
    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        let e = (-x.abs()).exp_safe();
        let d = T::one() + e;
        let (large, small) = (T::one() / d, e / d);
        let (above, below) = if x >= T::zero() { (large, small) } else { (small, large) };
        above * (T::one() + x * below)
    }

    /// Carried part: |f'| <= 1.1 (maximum 1.0998 at 2.40), |f''| <= 1/2 (at 0). Local part, relative: sigmoid and a product.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::smooth(self.derivative(x), 1.1, 0.5, e);
        carried + (SIGMOID + 1.01 * U) * (self.value(x).abs() + carried) + TINY * (1.0 + x.abs() + e)
    }

    /// Carried part: f'' = s' (2 + x (1 - 2s)), at most 1/2; the third derivative is at most 0.31 (maximum 0.3082 at 1.04).
    /// Local part: the terms a = s(x) and b = |x| s(x) s(-x) carry one and two sigmoids and up to four roundings; the slope
    /// of a + b is at most 1/2.
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let (above, below): (f64, f64) = (Sigmoid {}.value(x), Sigmoid {}.value(-x));
        let carried = bound::smooth(above * below * (2.0 + x * (below - above)), 0.5, 0.31, e);
        let (a, b) = (above, x.abs() * above * below);
        let local = (SIGMOID + 2.01 * U) * (a + 0.5 * e) + (2.0 * SIGMOID + 4.01 * U) * (b + 0.5 * e);
        carried + local + 2.0 * TINY * (1.0 + x.abs() + e)
    }
}

impl Formula for Softplus {
    const BOUND: &'static str = "(EXP + LOG) * softplus(-|x|) + u * |y|";
    const GRADIENT_BOUND: &'static str = "sigmoid, and the product with dy";
    const ONNX: Onnx = Onnx::Operator("Softplus");

    /// As max(x, 0) + log1p(exp(-|x|)): no overflow, and the negative tail keeps its relative precision.
    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x.max(T::zero()) + (-x.abs()).exp_safe().log1p_safe()
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        Sigmoid {}.value(x)
    }

    /// Carried part: monotone. Local part: log1p of exp, relative to that term; its slope is at most 1/2. Then one sum.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::monotone(|x| self.value(x), x, e);
        let correction = self.value(-x.abs()) + carried;
        carried + 1.01 * (EXP + LOG) * correction + U * (self.value(x) + carried) + 2.0 * TINY
    }

    fn derivative_error(self, x: f64, e: f64) -> f64 {
        Sigmoid {}.value_error(x, e)
    }
}

impl Mish {
    /// The relative error of the gate: e has EXP, which n takes to 4/3 of it at most, d to 1.47; two sums, a product and a
    /// division. (n is at most 3/5 of d where n = e (e + 2), and 2 e^2 at most 2/5 of it where n = 1 + 2e.)
    const GATE: f64 = 2.2 * EXP + DIV + 5.0 * U;
    /// The relative error of its slope: t has 2 EXP + u, 1 + e half of EXP and u, d^2 twice that of d, and three roundings more.
    const GATE_SLOPE: f64 = 5.5 * EXP + DIV + 9.0 * U;

    /// tanh(softplus(x)) and its derivative. With e = exp(-|x|) all terms are positive.
    #[inline(always)]
    fn gate<T: Scalar>(x: T) -> (T, T) {
        let (one, two) = (T::one(), T::of(2.0));
        let e = (-x.abs()).exp_safe();
        let square = e * e;
        let above = x >= T::zero();
        let n = if above { one + two * e } else { e * (e + two) };
        let d = n + if above { two * square } else { two };
        let t = if above { square } else { e };
        (n / d, T::of(4.0) * t * (one + e) / (d * d))
    }
}

impl Formula for Mish {
    const BOUND: &'static str = "(GATE + u) * |y|, GATE = 2.2 EXP + DIV + 5u";
    const GRADIENT_BOUND: &'static str =
        "(GATE + 2u) * g(x) + (5.5 EXP + DIV + 11u) * |x| g'(x), g = tanh(softplus(x)), and the product with dy";
    const ONNX: Onnx = Onnx::Operator("Mish");

    #[inline(always)]
    fn value<T: Scalar>(self, x: T) -> T {
        x * Self::gate(x).0
    }

    /// Near the zero of the derivative, -1.1925, the error is absolute.
    #[inline(always)]
    fn derivative<T: Scalar>(self, x: T) -> T {
        let (gate, slope) = Self::gate(x);
        gate + x * slope
    }

    /// Carried part: |f'| <= 1.09 and |f''| <= 0.65 (maxima 1.0885 at 1.49 and 0.6442 at -0.09, found numerically). Local part,
    /// relative: the gate and a product.
    fn value_error(self, x: f64, e: f64) -> f64 {
        let carried = bound::smooth(self.derivative(x), 1.09, 0.65, e);
        carried + (Self::GATE + 1.01 * U) * (self.value(x).abs() + carried) + 2.0 * TINY * (1.0 + x.abs() + e)
    }

    /// Carried part: f'' = g' (2 + x (s(-x) - 2 g s(x))), s the sigmoid, at most 0.65; the third derivative is at most 0.59
    /// (maximum 0.5884 at 0.72, found numerically). Local part: the terms a = g and b = |x| g'; the slope of each is at most 1/3
    /// (maxima 0.3219 and 0.3225).
    fn derivative_error(self, x: f64, e: f64) -> f64 {
        let (above, below): (f64, f64) = (Sigmoid {}.value(x), Sigmoid {}.value(-x));
        let (gate, slope) = Self::gate(x);
        let carried = bound::smooth(slope * (2.0 + x * (below - 2.0 * gate * above)), 0.65, 0.59, e);
        let (a, b) = (gate + e / 3.0, x.abs() * slope + e / 3.0);
        let local = (Self::GATE + 1.01 * U) * a + (Self::GATE_SLOPE + 2.01 * U) * b;
        carried + local + 8.0 * TINY * (1.0 + x.abs() + e)
    }
}
