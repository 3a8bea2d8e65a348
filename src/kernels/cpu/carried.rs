//! A value with the bound on the error that it carries: arithmetic that joins what was carried and what is rounded.
//!
//! The losses and the optimizer steps write their bounds as the formula of the kernel over these values.

use crate::kernels::bound::{self, DIV, TINY, U};
use crate::kernels::definition::Measured;
use std::ops::{Add, Mul, Neg, Sub};

/// sqrt by the WGSL specification is 1 / inverseSqrt(v): 2 ULP (4 u), then a division. 1 u covers their product.
pub const SQRT: f64 = 4.0 * U + DIV + U;

/// |f32 value - value| <= error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carried {
    /// The exact value.
    pub value: f64,
    /// The bound on what the f32 value is off.
    pub error: f64,
}

impl Carried {
    /// A value with its error.
    pub fn new(value: f64, error: f64) -> Self {
        Carried { value, error }
    }

    /// Element `i` of a binding. An adapter may take a denormal for 0, wherever one lies within the error.
    pub fn input(from: &Measured, i: usize) -> Self {
        let (value, error) = (from.value[i], from.error[i]);
        let may_flush = value.abs() - error < TINY && !(value == 0.0 && error == 0.0);
        Carried { value, error: if may_flush { error + TINY } else { error } }
    }

    /// The elements of row `i` of a binding with rows of `cols` elements.
    pub(crate) fn row(from: &Measured, i: usize, cols: usize) -> Vec<Self> {
        (i * cols..(i + 1) * cols).map(|k| Carried::input(from, k)).collect()
    }

    /// A number that the host computes in f64 and rounds to f32 once.
    pub fn rounded(value: f64) -> Self {
        Carried::new(value, 0.0).rounded_again()
    }

    /// A number of terms, as a number.
    pub(crate) fn count(n: usize) -> Self {
        // From 2^24 on the count itself rounds.
        Carried::new(n as f64, if n < 1 << 24 { 0.0 } else { U * n as f64 })
    }

    /// The same value after one more rounding.
    pub fn rounded_again(self) -> Self {
        let more = if self.value == 0.0 && self.error == 0.0 { 0.0 } else { TINY };
        Carried { error: self.error + U * (self.value.abs() + self.error) + more, ..self }
    }

    /// The largest magnitude that the f32 value may have.
    pub fn magnitude(self) -> f64 {
        self.value.abs() + self.error
    }

    /// The least that the f32 value, which is not negative, may be.
    pub(crate) fn least(self) -> f64 {
        (self.value - self.error).max(0.0)
    }

    /// The quotient; no bound where the divisor may be 0.
    pub fn over(self, divisor: Carried) -> Self {
        let value = self.value / divisor.value;
        let least = divisor.value.abs() - divisor.error;
        if least <= 0.0 {
            return Carried { value, error: f64::INFINITY };
        }
        let carried = (self.error + value.abs() * divisor.error) / least;
        Carried { value, error: carried + DIV * (value.abs() + carried) + TINY }
    }

    /// self / (sqrt(v) k + eps), which every optimizer with a second moment has, for any v of at least 0: the divisor lies between
    /// those of the ends of v's interval, and never below eps, however little is known of v.
    pub(crate) fn over_root(self, v: Carried, k: Carried, eps: Carried) -> Self {
        let divisor = v.value.max(0.0).sqrt() * k.value + eps.value;
        let value = self.value / divisor;
        // The root, the product and the sum, each within its rounding; a denormal root may be flushed.
        let rounding = (1.0 + SQRT + U) * (1.0 + U) * (1.0 + U) - 1.0;
        let low = (v.least().sqrt() * k.least() + eps.least()) * (1.0 - rounding) - TINY;
        let high = ((v.value.max(0.0) + v.error).sqrt() * k.magnitude() + eps.magnitude()) * (1.0 + rounding) + TINY;
        if low.is_nan() || low <= 0.0 {
            return Carried { value, error: f64::INFINITY };
        }
        let moved = self.value.abs() * (1.0 / low - 1.0 / divisor).max(1.0 / divisor - 1.0 / high);
        let carried = self.error / low + moved;
        Carried { value, error: carried + DIV * (value.abs() + carried) + TINY }
    }
}

impl Add for Carried {
    type Output = Carried;
    fn add(self, other: Carried) -> Carried {
        let error = bound::sum(self.value, self.error, other.value, other.error);
        Carried { value: self.value + other.value, error }
    }
}

impl Sub for Carried {
    type Output = Carried;
    fn sub(self, other: Carried) -> Carried {
        self + -other
    }
}

impl Mul for Carried {
    type Output = Carried;
    fn mul(self, other: Carried) -> Carried {
        let error = bound::product(self.value, self.error, other.value, other.error);
        Carried { value: self.value * other.value, error }
    }
}

impl Neg for Carried {
    type Output = Carried;
    fn neg(self) -> Carried {
        Carried { value: -self.value, error: self.error }
    }
}
