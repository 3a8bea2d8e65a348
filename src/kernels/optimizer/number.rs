//! What an optimizer's rule is written over: numbers, and values that carry the error which they have in f32. So a rule and its
//! error bound are one text.

use crate::kernels::bound::{TINY, U};
use crate::kernels::cpu::carried::Carried;
use crate::kernels::scalar::Scalar;
use std::ops::{Add, Mul, Sub};

/// A number of a rule.
pub trait Number: Copy + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// A constant, which is exact.
    fn exact(value: f64) -> Self;

    /// A number that the host computes in f64 and rounds to f32 once.
    fn rounded(value: f64) -> Self;

    /// x / (sqrt(v) k + eps), where `limit` says what the quotient is at most in magnitude because x and v err together: a
    /// bound takes the better of the two.
    fn over_root(self, v: Self, k: Self, eps: Self, limit: impl Fn() -> f64) -> Self;

    /// The number, 0 where it is negative; NaN stays.
    fn at_least_zero(self) -> Self;

    /// -1, 0 or 1; NaN stays. Where rounding may decide, a bound allows any.
    fn sign(self) -> Self;

    /// The largest magnitude that the f32 value may have.
    fn most(self) -> f64;

    /// The least that the f32 value, which is not negative, may be.
    fn least(self) -> f64;
}

impl<T: Scalar> Number for T {
    #[inline(always)]
    fn exact(value: f64) -> T {
        T::of(value)
    }

    #[inline(always)]
    fn rounded(value: f64) -> T {
        T::of(value)
    }

    #[inline(always)]
    fn over_root(self, v: T, k: T, eps: T, _: impl Fn() -> f64) -> T {
        self / (v.sqrt() * k + eps)
    }

    /// As a comparison, which lets NaN through.
    #[inline(always)]
    fn at_least_zero(self) -> T {
        if self < T::zero() { T::zero() } else { self }
    }

    /// signum would give 0 a sign.
    #[inline(always)]
    fn sign(self) -> T {
        if self > T::zero() {
            T::one()
        } else if self < T::zero() {
            -T::one()
        } else {
            self
        }
    }

    fn most(self) -> f64 {
        self.widen().abs()
    }

    fn least(self) -> f64 {
        self.widen()
    }
}

impl Number for Carried {
    fn exact(value: f64) -> Carried {
        Carried::new(value, 0.0)
    }

    fn rounded(value: f64) -> Carried {
        Carried::rounded(value)
    }

    fn over_root(self, v: Carried, k: Carried, eps: Carried, limit: impl Fn() -> f64) -> Carried {
        let quotient = Carried::over_root(self, v, k, eps);
        Carried { error: quotient.error.min(quotient.value.abs() + limit()), ..quotient }
    }

    /// The greater of it and 0 is no farther off than itself.
    fn at_least_zero(self) -> Carried {
        Carried { value: self.value.max(0.0), ..self }
    }

    fn sign(self) -> Carried {
        let value = if self.value == 0.0 { 0.0 } else { self.value.signum() };
        let sure = self.value.abs() > self.error || self.error == 0.0;
        Carried::new(value, if sure { 0.0 } else { 1.0 + value.abs() })
    }

    fn most(self) -> f64 {
        self.magnitude()
    }

    fn least(self) -> f64 {
        Carried::least(self)
    }
}

/// The most that |g| / (sqrt(s) k + eps) can be where s is at least share * g^2: 1 / (sqrt(share) k). Each term goes through fewer
/// than 64 roundings; where share * g^2 is flushed, eps alone divides.
pub fn own_square_limit<X: Number>(share: X, k: X, eps: X) -> f64 {
    let share = share.least();
    1.0 / (share.sqrt() * k.least()) * (1.0 + 64.0 * U) + (TINY / share).sqrt() / eps.least()
}
