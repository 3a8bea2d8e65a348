//! Rounding-error bounds: the constants and rules that every kernel's `bound` function is made of.
//!
//! Model: IEEE-754 binary32 with round to nearest, unit roundoff u = 2^-24; a multiply-add may or may not be
//! contracted; denormals may be flushed to zero. Sums may be taken in any order. Source of the rules: N. J. Higham,
//! "Accuracy and Stability of Numerical Algorithms", 2nd edition, chapter 3. Source of the accuracy of built-ins: the
//! WGSL specification, "Floating point accuracy"; where a kernel computes a function itself, the constant here is
//! derived beside the function.

use super::row::Measured;

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
    let carried = a.abs() * eb + b.abs() * ea + ea * eb;
    carried + U * (a.abs() * b.abs() + carried) + TINY
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

/// Relative error of `exp_safe` in `shaders/lib/math.wgsl`; see there for the derivation.
pub const EXP: f64 = 4.0 * U;
