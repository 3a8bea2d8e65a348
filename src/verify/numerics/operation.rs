//! The operations that are measured: exact value, where, what WGSL allows, what wgrad's error bounds assume.
//!
//! "WGSL" is the WebGPU Shading Language specification, section "Floating Point Accuracy" (gpuweb.github.io/gpuweb/wgsl).

use super::sample::{Range, Spread, ulp};
use crate::kernels::bound::{DIV, EXP, LOG, NORMAL_TAIL, SIGMOID, TANH, TINY, U};
use crate::kernels::scalar::normal_cdf;

/// The codes of `shaders/probe/operations.wgsl`.
pub mod code {
    #![allow(missing_docs, reason = "the names are the operations")]
    pub const ADD: u32 = 0;
    pub const SUB: u32 = 1;
    pub const MUL: u32 = 2;
    pub const DIV: u32 = 3;
    pub const FMA: u32 = 4;
    pub const MUL_ADD: u32 = 5;
    pub const MIN: u32 = 6;
    pub const MAX: u32 = 7;
    pub const CLAMP: u32 = 8;
    pub const SQRT: u32 = 16;
    pub const EXP: u32 = 17;
    pub const LOG: u32 = 18;
    pub const TANH: u32 = 19;
    pub const LOG_OF_SUM: u32 = 20;
    pub const NAIVE_SIGMOID: u32 = 21;
    pub const EXP_SAFE: u32 = 32;
    pub const LOG_SAFE: u32 = 33;
    pub const LOG1P_SAFE: u32 = 34;
    pub const TANH_SAFE: u32 = 35;
    pub const NORMAL_CDF: u32 = 36;
    pub const SIGMOID: u32 = 37;
    pub const RELU: u32 = 38;
    pub const NOT_EQUAL_SELF: u32 = 48;
    pub const NOT_SELF_EQUAL: u32 = 49;
    pub const IS_NAN_BITS: u32 = 50;
    pub const IS_FINITE_BITS: u32 = 51;
    pub const ABS_AT_MOST_MAX: u32 = 52;
    pub const NOT_POSITIVE: u32 = 53;
    pub const POSITIVE: u32 = 54;
    pub const COPY: u32 = 64;
}

/// An allowance: the largest absolute error for operands and the exact result.
#[derive(Clone, Copy)]
pub struct Allowance {
    /// As a formula.
    pub text: &'static str,
    /// As a function of the operands and the exact result.
    pub error: fn([f64; 3], f64) -> f64,
}

/// One measured operation.
pub struct Operation {
    /// As WGSL writes it.
    pub name: &'static str,
    /// Its code in the probe shader.
    pub code: u32,
    /// True if kernels use it; false for a built-in that wgrad has its own function for.
    pub used: bool,
    /// Where its operands lie.
    pub spread: Spread,
    /// The exact result, in `f64`.
    pub exact: fn([f64; 3]) -> f64,
    /// True where rounding the `f64` result once more gives the nearest `f32`: + - * / and sqrt, because 53 >= 2 * 24 + 2
    /// (S. A. Figueroa, "When is double rounding innocuous?", 1995).
    pub nearest: bool,
    /// What WGSL allows; none for wgrad's own functions.
    pub wgsl: Option<Allowance>,
    /// What wgrad's bounds assume; for an unused built-in, what it would have to keep to be used.
    pub wgrad: Option<Allowance>,
}

/// Either neighbour of the exact result: WGSL names no rounding mode.
const ROUNDED: Option<Allowance> = Some(Allowance { text: "1 ULP", error: |_, y| ulp(y) });
/// The model of `kernels::bound`: round to nearest.
const NEAREST: Option<Allowance> = Some(Allowance { text: "0.5 ULP", error: |_, y| 0.5 * ulp(y) });

const fn relative(text: &'static str, error: fn([f64; 3], f64) -> f64) -> Option<Allowance> {
    Some(Allowance { text, error })
}

/// exp: 3 + 2 |x| ULP.
fn exp_ulps(x: f64) -> f64 {
    3.0 + 2.0 * x.abs()
}

/// The inherited error of `sinh(x) / cosh(x)`, with sinh and cosh from two exp each: both have the relative error of exp
/// to cosh, and a sum (1 ULP) each; the quotient adds 2.5 ULP. An ULP is at most 2u relative.
fn tanh_allowed(x: f64, y: f64) -> f64 {
    let inherited = y.abs() * (2.0 * exp_ulps(x) + 2.0 + 2.5) * 2.0 * U;
    inherited.max(1.0e-5)
}

/// An operation of arithmetic, in two operands.
const ARITHMETIC: Operation = Operation {
    name: "a + b",
    code: code::ADD,
    used: true,
    spread: Spread::Pairs,
    exact: |[a, b, _]| a + b,
    nearest: true,
    wgsl: ROUNDED,
    wgrad: NEAREST,
};

/// A product and a sum, in one expression.
const MULTIPLY_ADD: Operation = Operation {
    name: "a * b + c",
    code: code::MUL_ADD,
    used: true,
    spread: Spread::SameSign,
    exact: |[a, b, c]| a * b + c,
    nearest: false,
    wgsl: Some(Allowance { text: "1 ULP each", error: |[a, b, _], y| ulp(a * b) + ulp(y) }),
    wgrad: relative("u |ab| + u |y|", mul_add_error),
};

/// A function of wgrad: what it is to compute, where, and how well. WGSL says nothing about it.
const fn own(
    name: &'static str,
    code: u32,
    ranges: &'static [Range],
    exact: fn([f64; 3]) -> f64,
    wgrad: Option<Allowance>,
) -> Operation {
    Operation { name, code, used: true, spread: Spread::Over(ranges), exact, nearest: false, wgsl: None, wgrad }
}

const EXP_SAFE: Operation =
    own("exp_safe(x)", code::EXP_SAFE, EXP_RANGE, |[x, ..]| x.exp(), relative("4u", |_, y| EXP * y));
const LOG_SAFE: Operation =
    own("log_safe(x)", code::LOG_SAFE, LOG_RANGE, |[x, ..]| x.ln(), relative("12u", |_, y| LOG * y.abs()));
const LOG1P_SAFE: Operation =
    own("log1p_safe(x)", code::LOG1P_SAFE, LOG1P_RANGE, |[x, ..]| x.ln_1p(), relative("12u", |_, y| LOG * y.abs()));
const TANH_SAFE: Operation =
    own("tanh_safe(x)", code::TANH_SAFE, TANH_RANGE, |[x, ..]| x.tanh(), relative("10u", |_, y| TANH * y.abs()));
const OWN_SIGMOID: Operation =
    own("sigmoid(x)", code::SIGMOID, SIGMOID_RANGE, |[x, ..]| logistic(x), relative("14u", |_, y| SIGMOID * y));

/// All operations, in the order of the report. A built-in stands before the function that wgrad has in its place, and is held
/// against the same numbers.
pub const OPERATIONS: &[Operation] = &[
    ARITHMETIC,
    Operation { name: "a - b", code: code::SUB, exact: |[a, b, _]| a - b, ..ARITHMETIC },
    Operation { name: "a * b", code: code::MUL, exact: |[a, b, _]| a * b, ..ARITHMETIC },
    Operation {
        name: "a / b",
        code: code::DIV,
        exact: |[a, b, _]| a / b,
        wgsl: Some(Allowance { text: "2.5 ULP", error: |_, y| 2.5 * ulp(y) }),
        wgrad: relative("5u", |_, y| DIV * y.abs()),
        ..ARITHMETIC
    },
    Operation {
        name: "fma(a, b, c)",
        code: code::FMA,
        used: false,
        wgsl: Some(Allowance { text: "as a * b + c", error: |[a, b, _], y| ulp(a * b) + ulp(y) }),
        ..MULTIPLY_ADD
    },
    MULTIPLY_ADD,
    Operation {
        name: "sqrt(x)",
        code: code::SQRT,
        spread: Spread::Over(&[Range(1.175_494_4e-38, 3.4e38), Range(1.0, 4.0)]),
        exact: |[x, ..]| x.sqrt(),
        // Inherited from 1 / inverseSqrt(x): 2 ULP and a division of 2.5 ULP; an ULP is at most 2u relative.
        wgsl: relative("9u (as 1/inverseSqrt)", |_, y| 9.0 * U * y),
        wgrad: relative("9u", |_, y| 9.0 * U * y),
        ..ARITHMETIC
    },
    Operation {
        name: "exp(x)",
        code: code::EXP,
        used: false,
        wgsl: Some(Allowance { text: "3 + 2|x| ULP", error: |[x, ..], y| exp_ulps(x) * ulp(y) }),
        ..EXP_SAFE
    },
    EXP_SAFE,
    Operation {
        name: "log(x)",
        code: code::LOG,
        used: false,
        wgsl: Some(Allowance {
            text: "2^-21 in [0.5, 2], else 3 ULP",
            error: |[x, ..], y| if (0.5..=2.0).contains(&x) { 2f64.powi(-21) } else { 3.0 * ulp(y) },
        }),
        ..LOG_SAFE
    },
    LOG_SAFE,
    Operation { name: "log(1.0 + x)", code: code::LOG_OF_SUM, used: false, ..LOG1P_SAFE },
    LOG1P_SAFE,
    Operation {
        name: "tanh(x)",
        code: code::TANH,
        used: false,
        wgsl: Some(Allowance { text: "1e-5, or as sinh/cosh", error: |[x, ..], y| tanh_allowed(x, y) }),
        ..TANH_SAFE
    },
    TANH_SAFE,
    Operation { name: "1/(1 + exp(-x))", code: code::NAIVE_SIGMOID, used: false, ..OWN_SIGMOID },
    OWN_SIGMOID,
    own(
        "normal_cdf(x)",
        code::NORMAL_CDF,
        &[Range(-12.9, 0.0), Range(0.0, 14.0), Range(1e-30, 1.0)],
        |[x, ..]| normal_cdf(x),
        // As Gelu of kernels::activation: the tail's relative error, and one rounding of 1 - tail.
        relative("30u of the tail + u", |[x, ..], y| {
            NORMAL_TAIL * normal_cdf(-x.abs()) + if x > 0.0 { U * y } else { 0.0 }
        }),
    ),
];

/// exp over its normal results: log(2^-126) = -87.34, log(MAX) = 88.72.
const EXP_RANGE: &[Range] = &[Range(-87.3, 88.7), Range(-1.0, 1.0)];
const LOG_RANGE: &[Range] = &[Range(1.175_494_4e-38, 3.4e38), Range(0.5, 2.0), Range(0.99, 1.01)];
const LOG1P_RANGE: &[Range] = &[Range(-0.999_999_9, -1e-30), Range(1e-30, 1.0), Range(1.0, 1e30)];
/// Where cosh does not overflow; larger arguments are among the special values.
const TANH_RANGE: &[Range] = &[Range(-88.0, 88.0), Range(-1.0, 1.0), Range(1e-30, 10.0)];
const SIGMOID_RANGE: &[Range] = &[Range(-87.0, 87.0), Range(-1.0, 1.0)];

/// u |ab| and u |result before the last rounding|, whether contracted or not.
fn mul_add_error([a, b, _]: [f64; 3], y: f64) -> f64 {
    let product = U * (a * b).abs() + TINY;
    product + U * (y.abs() + product)
}

/// The logistic function without overflow.
fn logistic(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}
