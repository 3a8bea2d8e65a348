//! The number type that a CPU kernel is generic over.

use super::elementary;
use num_traits::{Float, NumAssign};
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// `f32` (the device `cpu`) or `f64` (the judge).
///
/// The elementary functions are the polynomials of [`elementary`] in `f32`, within the error bounds of [`super::bound`],
/// and the standard library's in `f64`.
pub trait Scalar:
    Float + NumAssign + Default + Send + Sync + std::fmt::Debug + std::iter::Sum + bytemuck::Pod + 'static
{
    /// Rounds an `f64` to this type.
    fn of(v: f64) -> Self;
    /// Widens to `f64`; exact.
    fn widen(self) -> f64;
    /// exp(x)
    fn exp_safe(self) -> Self;
    /// log(x); at most the lowest finite number for x <= 0
    fn log_safe(self) -> Self;
    /// log(1 + x) for x > -1
    fn log1p_safe(self) -> Self;
    /// tanh(x)
    fn tanh_safe(self) -> Self;
    /// Phi(x), the standard normal distribution function
    fn normal_cdf(self) -> Self;
    /// Phi(x) + x phi(x), phi the standard normal density
    fn gelu_derivative(self) -> Self;
}

impl Scalar for f32 {
    #[inline(always)]
    fn of(v: f64) -> Self {
        v as f32
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn exp_safe(self) -> Self {
        elementary::exp(self)
    }
    #[inline(always)]
    fn log_safe(self) -> Self {
        elementary::log(self)
    }
    #[inline(always)]
    fn log1p_safe(self) -> Self {
        elementary::log1p(self)
    }
    #[inline(always)]
    fn tanh_safe(self) -> Self {
        elementary::tanh(self)
    }
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        elementary::normal_cdf(self)
    }
    #[inline(always)]
    fn gelu_derivative(self) -> Self {
        elementary::gelu_derivative(self)
    }
}

impl Scalar for f64 {
    #[inline(always)]
    fn of(v: f64) -> Self {
        v
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
    fn exp_safe(self) -> Self {
        self.exp()
    }
    fn log_safe(self) -> Self {
        self.ln()
    }
    fn log1p_safe(self) -> Self {
        self.ln_1p()
    }
    fn tanh_safe(self) -> Self {
        self.tanh()
    }
    fn normal_cdf(self) -> Self {
        normal_cdf(self)
    }
    fn gelu_derivative(self) -> Self {
        normal_cdf(self) + self * normal_density(self)
    }
}

/// The standard normal distribution function, by erfc, which keeps the relative precision of the negative tail. (In f32 it is a
/// rational fit of the tail's ratio to the density, because the rounding of x / sqrt 2 alone costs x^2 u.)
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The standard normal density.
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}
