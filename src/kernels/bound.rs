//! Rounding-error bounds: the constants and rules that every kernel's `bound` function is made of.
//!
//! Model: IEEE-754 binary32 with round to nearest, unit roundoff u = 2^-24; a multiply-add may or may not be
//! contracted; denormals may be flushed to zero. Sums may be taken in any order. Source of the rules: N. J. Higham,
//! "Accuracy and Stability of Numerical Algorithms", 2nd edition, chapter 3. Source of the accuracy of built-ins: the
//! WGSL specification, "Floating point accuracy"; where a kernel computes a function itself, the constant here is
//! derived beside the function.

use super::definition::Measured;

/// Unit roundoff of binary32.
pub const U: f64 = 5.960_464_477_539_063e-8; // 2^-24

/// Smallest normal binary32: what a flushed denormal may cost, absolutely.
pub const TINY: f64 = 1.175_494_350_822_287_5e-38; // 2^-126

/// A division: 2.5 ULP by the WGSL specification; an ULP is at most 2u relative.
pub const DIV: f64 = 5.0 * U;

/// gamma_k = k u / (1 - k u): the relative error that k roundings in a row can make (Higham, lemma 3.1).
pub fn gamma(k: usize) -> f64 {
    let ku = k as f64 * U;
    if ku >= 0.5 { f64::INFINITY } else { ku / (1.0 - ku) }
}

/// Error of a product of two factors that carry errors: |a b - a' b'| with |a - a'| <= ea, |b - b'| <= eb, plus one
/// rounding.
pub fn product(a: f64, ea: f64, b: f64, eb: f64) -> f64 {
    let carried = times(a.abs() + ea, eb) + times(b.abs(), ea);
    carried + U * (a.abs() * b.abs() + carried) + TINY
}

/// factor * error. An unbounded error of one factor leaves a product with 0 at 0: a device on which it does not (because
/// the other factor is infinite there) shows NaN, which no comparison passes.
fn times(factor: f64, error: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { factor * error }
}

/// Error of a sum of two terms that carry errors, plus one rounding.
pub fn sum(a: f64, ea: f64, b: f64, eb: f64) -> f64 {
    let carried = ea + eb;
    carried + U * ((a + b).abs() + carried) + TINY
}

/// Error carried through a monotone function: the larger of the two end points' distances is exact.
pub fn monotone(f: impl Fn(f64) -> f64, x: f64, e: f64) -> f64 {
    if e == 0.0 {
        return 0.0;
    }
    let y = f(x);
    (f(x + e) - y).abs().max((f(x - e) - y).abs())
}

/// Bounds an element-wise kernel of one input: `rule(x, ex)`.
pub fn map(x: &Measured, rule: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    x.value.iter().zip(&x.error).map(|(&x, &e)| rule(x, e)).collect()
}

/// Bounds an element-wise kernel of two inputs: `rule(a, ea, b, eb)`.
pub fn map2(a: &Measured, b: &Measured, rule: impl Fn(f64, f64, f64, f64) -> f64) -> Vec<f64> {
    let left = a.value.iter().zip(&a.error);
    let right = b.value.iter().zip(&b.error);
    left.zip(right).map(|((&a, &ea), (&b, &eb))| rule(a, ea, b, eb)).collect()
}

/// Error carried through a function of bounded curvature: `slope` is its derivative at the point, `lipschitz` bounds
/// the derivative and `curvature` the second derivative everywhere (Taylor's theorem with remainder).
pub fn smooth(slope: f64, lipschitz: f64, curvature: f64, e: f64) -> f64 {
    (lipschitz * e).min(e * (slope.abs() + 0.5 * curvature * e))
}

/// Error of a product that is not rounded, because one factor is 0 or 1; a denormal may be flushed.
pub fn masked(a: f64, ea: f64, b: f64, eb: f64) -> f64 {
    let flushed = if a == 0.0 && ea == 0.0 { 0.0 } else { TINY };
    times(a.abs() + ea, eb) + times(b.abs(), ea) + flushed
}

/// A device may take a denormal operand for 0 (WGSL specification, "Floating-point evaluation"): an operand that may lie
/// there carries that error too. Found on SwiftShader, where a denormal probability times a large gradient is 0.
pub fn flushable(mut operand: Measured) -> Measured {
    for (value, error) in operand.value.iter().zip(&mut operand.error) {
        if value.abs() - *error < TINY && !(*value == 0.0 && *error == 0.0) {
            *error += TINY;
        }
    }
    operand
}

// Relative errors of the functions in `shaders/lib/math.wgsl`, derived there beside each function. The CPU's f32
// functions (`elementary.rs`) are the same algorithms.

/// `exp_safe` and `exp_sum`.
pub const EXP: f64 = 4.0 * U;

/// `log_safe` and `log1p_safe`.
pub const LOG: f64 = 12.0 * U;

/// `tanh_safe`.
pub const TANH: f64 = 10.0 * U;

/// `normal_cdf` for x < 0: exp, the rational fit of the tail ratio and a product, 4u + 24u + u, rounded up.
pub const NORMAL_TAIL: f64 = 30.0 * U;

/// sigmoid: exp in numerator and denominator (2 EXP covers 1.5), a sum and a division.
pub const SIGMOID: f64 = 2.0 * EXP + U + DIV;
