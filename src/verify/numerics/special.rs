//! Results at NaN, infinity, zero, denormals and arguments that overflow, beside those of IEEE 754.
//!
//! WGSL lets an implementation assume that none of this happens ("Finite Math Assumption"), flush denormals and ignore a
//! zero's sign, so a difference is a fact to know and not a fault, except for wgrad's own functions, which promise theirs.

use super::operation::code;
use serde::Serialize;

/// A denormal number.
const DENORMAL: f32 = 1e-40;
const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;
const MAX: f32 = f32::MAX;
/// `log_safe` of what has no logarithm.
const LOWEST: f32 = f32::MIN;
/// WGSL's absolute allowance for tanh, the widest of the finite results here.
const TOLERANCE: f64 = 1e-5;

/// One expression and its result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Special {
    /// As WGSL writes it.
    pub expression: &'static str,
    /// IEEE 754's result, or for a function of wgrad the promised one.
    pub expected: String,
    /// The device's.
    pub found: String,
    /// True if they agree: both NaN, the same infinity, or the same number; the sign of zero does not count.
    pub agrees: bool,
    /// True if wgrad relies on it.
    pub relied_on: bool,
}

/// An expression: text, code, operands, expected result, whether kernels rely on it.
pub struct Case(pub &'static str, pub u32, pub [f32; 3], f32, bool);

const fn ieee(text: &'static str, code: u32, operands: [f32; 3], expected: f32) -> Case {
    Case(text, code, operands, expected, false)
}

const fn own(text: &'static str, code: u32, x: f32, expected: f32) -> Case {
    Case(text, code, [x, 0.0, 0.0], expected, true)
}

const fn unary(text: &'static str, code: u32, x: f32, expected: f32) -> Case {
    Case(text, code, [x, 0.0, 0.0], expected, false)
}

/// All expressions, in the order of the report.
pub const CASES: &[Case] = &[
    ieee("1 / 0", code::DIV, [1.0, 0.0, 0.0], INF),
    ieee("1 / -0", code::DIV, [1.0, -0.0, 0.0], -INF),
    ieee("0 / 0", code::DIV, [0.0, 0.0, 0.0], NAN),
    ieee("1 / inf", code::DIV, [1.0, INF, 0.0], 0.0),
    ieee("0 * inf", code::MUL, [0.0, INF, 0.0], NAN),
    ieee("inf - inf", code::SUB, [INF, INF, 0.0], NAN),
    ieee("NaN + 1", code::ADD, [NAN, 1.0, 0.0], NAN),
    ieee("MAX * 2", code::MUL, [MAX, 2.0, 0.0], INF),
    ieee("MAX + MAX", code::ADD, [MAX, MAX, 0.0], INF),
    ieee("-0 * 1", code::MUL, [-0.0, 1.0, 0.0], -0.0),
    ieee("-0 + -0", code::ADD, [-0.0, -0.0, 0.0], -0.0),
    unary("sqrt(-0)", code::SQRT, -0.0, -0.0),
    unary("sqrt(-1)", code::SQRT, -1.0, NAN),
    unary("sqrt(inf)", code::SQRT, INF, INF),
    Case("sqrt(0)", code::SQRT, [0.0; 3], 0.0, true),
    unary("exp(89)", code::EXP, 89.0, INF),
    unary("exp(1000)", code::EXP, 1000.0, INF),
    unary("exp(-1000)", code::EXP, -1000.0, 0.0),
    unary("exp(-inf)", code::EXP, -INF, 0.0),
    unary("exp(NaN)", code::EXP, NAN, NAN),
    unary("log(0)", code::LOG, 0.0, -INF),
    unary("log(-1)", code::LOG, -1.0, NAN),
    unary("log(inf)", code::LOG, INF, INF),
    unary("log(NaN)", code::LOG, NAN, NAN),
    unary("tanh(45)", code::TANH, 45.0, 1.0),
    unary("tanh(89)", code::TANH, 89.0, 1.0),
    unary("tanh(-89)", code::TANH, -89.0, -1.0),
    unary("tanh(1e4)", code::TANH, 1e4, 1.0),
    unary("tanh(inf)", code::TANH, INF, 1.0),
    unary("tanh(NaN)", code::TANH, NAN, NAN),
    unary("1/(1 + exp(1000))", code::NAIVE_SIGMOID, -1000.0, 0.0),
    ieee("max(NaN, 1)", code::MAX, [NAN, 1.0, 0.0], 1.0),
    ieee("max(1, NaN)", code::MAX, [1.0, NAN, 0.0], 1.0),
    ieee("min(NaN, 1)", code::MIN, [NAN, 1.0, 0.0], 1.0),
    ieee("min(1, NaN)", code::MIN, [1.0, NAN, 0.0], 1.0),
    ieee("clamp(NaN, 0, 1)", code::CLAMP, [NAN, 0.0, 1.0], 0.0),
    Case("load and store of NaN", code::COPY, [NAN, 0.0, 0.0], NAN, true),
    unary("load and store of 1e-40", code::COPY, DENORMAL, DENORMAL),
    ieee("1e-40 + 0", code::ADD, [DENORMAL, 0.0, 0.0], DENORMAL),
    ieee("1e-40 * 2^60", code::MUL, [DENORMAL, 1.152_921_5e18, 0.0], 1.152_921_5e-22),
    ieee("2^-70 * 2^-70", code::MUL, [8.470_329_5e-22, 8.470_329_5e-22, 0.0], 7.175e-43),
    unary("sqrt(1e-40)", code::SQRT, DENORMAL, 1e-20),
    unary("log(1e-40)", code::LOG, DENORMAL, -92.103_4),
    own("exp_safe(1000)", code::EXP_SAFE, 1000.0, 3.402_8e38),
    own("exp_safe(-1000)", code::EXP_SAFE, -1000.0, 0.0),
    own("exp_safe(inf)", code::EXP_SAFE, INF, 3.402_8e38),
    own("exp_safe(-inf)", code::EXP_SAFE, -INF, 0.0),
    own("exp_safe(NaN)", code::EXP_SAFE, NAN, NAN),
    own("log_safe(0)", code::LOG_SAFE, 0.0, LOWEST),
    own("log_safe(-1)", code::LOG_SAFE, -1.0, LOWEST),
    own("log_safe(inf)", code::LOG_SAFE, INF, INF),
    own("log_safe(NaN)", code::LOG_SAFE, NAN, NAN),
    own("tanh_safe(89)", code::TANH_SAFE, 89.0, 1.0),
    own("tanh_safe(-1e4)", code::TANH_SAFE, -1e4, -1.0),
    own("tanh_safe(inf)", code::TANH_SAFE, INF, 1.0),
    own("tanh_safe(NaN)", code::TANH_SAFE, NAN, NAN),
    own("sigmoid(1000)", code::SIGMOID, 1000.0, 1.0),
    own("sigmoid(-1000)", code::SIGMOID, -1000.0, 0.0),
    own("sigmoid(NaN)", code::SIGMOID, NAN, NAN),
    own("relu(NaN)", code::RELU, NAN, NAN),
    unary("NaN != NaN", code::NOT_EQUAL_SELF, NAN, 1.0),
    unary("!(NaN == NaN)", code::NOT_SELF_EQUAL, NAN, 1.0),
    unary("NaN <= 0", code::NOT_POSITIVE, NAN, 0.0),
    unary("NaN > 0", code::POSITIVE, NAN, 0.0),
    unary("abs(NaN) <= MAX", code::ABS_AT_MOST_MAX, NAN, 0.0),
    unary("abs(inf) <= MAX", code::ABS_AT_MOST_MAX, INF, 0.0),
    unary("1e-40 > 0", code::POSITIVE, DENORMAL, 1.0),
    own("is_nan_bits(NaN)", code::IS_NAN_BITS, NAN, 1.0),
    own("is_nan_bits(inf)", code::IS_NAN_BITS, INF, 0.0),
    own("is_finite_bits(inf)", code::IS_FINITE_BITS, INF, 0.0),
    own("is_finite_bits(NaN)", code::IS_FINITE_BITS, NAN, 0.0),
    own("is_finite_bits(MAX)", code::IS_FINITE_BITS, MAX, 1.0),
];

/// Holds a result against the expected one.
pub fn special(case: &Case, found: f32) -> Special {
    let &Case(expression, _, _, expected, relied_on) = case;
    let agrees = if expected.is_finite() && found.is_finite() {
        // The sign of zero does not count, but a zero for a denormal does: an error of the whole value.
        (f64::from(found) - f64::from(expected)).abs() <= TOLERANCE * f64::from(expected).abs()
    } else {
        found == expected || (found.is_nan() && expected.is_nan())
    };
    Special { expression, expected: number(expected), found: number(found), agrees, relied_on }
}

/// A number for people; NaN and infinities by name.
pub fn number(x: f32) -> String {
    match x {
        _ if !x.is_finite() || x == 0.0 || (1e-4..1e6).contains(&x.abs()) => format!("{x}"),
        _ => format!("{x:e}"),
    }
}
