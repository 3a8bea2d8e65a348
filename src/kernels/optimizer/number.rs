//! What an optimizer's rule is written over: numbers, and values that carry the error which they have in f32. So a rule and its
//! error bound are one text.

use crate::kernels::bound::{DIV, TINY, U};
use crate::kernels::cpu::carried::{Carried, SQRT};
use crate::kernels::cpu::moments::{RSQRT, mean};
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

    /// The greater of both; NaN stays.
    fn at_least(self, floor: Self) -> Self;

    /// self / max(divisor, floor), with a floor above 0.
    fn over_at_least(self, divisor: Self, floor: Self) -> Self;

    /// 1 / sqrt(max(self, floor)), with a floor above 0.
    fn inverse_root_at_least(self, floor: Self) -> Self;

    /// The square root of a number that is not negative.
    fn root(self) -> Self;

    /// The mean of `count` numbers, summed in their order.
    fn mean(terms: impl Iterator<Item = Self>, count: usize) -> Self;

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
    fn at_least(self, floor: T) -> T {
        if self < floor { floor } else { self }
    }

    #[inline(always)]
    fn over_at_least(self, divisor: T, floor: T) -> T {
        self / divisor.at_least(floor)
    }

    #[inline(always)]
    fn inverse_root_at_least(self, floor: T) -> T {
        T::one() / self.at_least(floor).sqrt()
    }

    #[inline(always)]
    fn root(self) -> T {
        self.sqrt()
    }

    fn mean(terms: impl Iterator<Item = T>, count: usize) -> T {
        terms.fold(T::zero(), |sum, term| sum + term) / T::of(count as f64)
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

    /// The greater is no farther off than the one that it may be.
    fn at_least(self, floor: Carried) -> Carried {
        let (above, below) =
            (self.value - self.error > floor.value + floor.error, self.magnitude() < Carried::least(floor));
        let error = match (above, below) {
            (true, _) => self.error,
            (_, true) => floor.error,
            _ => self.error.max(floor.error),
        };
        Carried { value: self.value.max(floor.value), error }
    }

    /// The divisor lies between those of the ends of its interval, and never below the floor, however little is known of it.
    fn over_at_least(self, divisor: Carried, floor: Carried) -> Carried {
        let [low, middle, high] = interval(divisor, floor);
        let moved = self.value.abs() * (1.0 / low - 1.0 / middle).max(1.0 / middle - 1.0 / high);
        let (value, carried) = (self.value / middle, self.error / low + moved);
        Carried { value, error: carried + DIV * (value.abs() + carried) + TINY }
    }

    fn inverse_root_at_least(self, floor: Carried) -> Carried {
        let [most, value, least] = interval(self, floor).map(|v| 1.0 / v.sqrt());
        let carried = (most - value).max(value - least);
        Carried { value, error: carried + RSQRT * (value + carried) + TINY }
    }

    fn root(self) -> Carried {
        let value = self.value.max(0.0).sqrt();
        let carried = ((self.value + self.error).max(0.0).sqrt() - value).max(value - Carried::least(self).sqrt());
        Carried { value, error: carried + SQRT * (value + carried) + TINY }
    }

    fn mean(terms: impl Iterator<Item = Carried>, count: usize) -> Carried {
        mean(terms, count, count)
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

/// The ends and the middle of max(x, floor); the ends are within what each of both may be.
fn interval(x: Carried, floor: Carried) -> [f64; 3] {
    let middle = x.value.max(floor.value);
    [
        (x.value - x.error).max(Carried::least(floor)).min(middle),
        middle,
        (x.value + x.error).max(floor.magnitude()).max(middle),
    ]
}

/// The most that |g| / (sqrt(s) k + eps) can be where s is at least share * g^2: 1 / (sqrt(share) k). Each term goes through fewer
/// than 64 roundings; where share * g^2 is flushed, eps alone divides.
pub fn own_square_limit<X: Number>(share: X, k: X, eps: X) -> f64 {
    let share = share.least();
    1.0 / (share.sqrt() * k.least()) * (1.0 + 64.0 * U) + (TINY / share).sqrt() / eps.least()
}
