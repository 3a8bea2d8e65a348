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

/// Implements [`Scalar`] with these elementary functions.
macro_rules! scalar {
    ($type:ty: $($name:ident = $function:expr),*) => {
        impl Scalar for $type {
            #[inline(always)]
            fn of(v: f64) -> Self {
                v as $type
            }
            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }
            $(#[inline(always)]
            fn $name(self) -> Self {
                $function(self)
            })*
        }
    };
}

scalar! { f32: exp_safe = elementary::exp, log_safe = elementary::log, log1p_safe = elementary::log1p,
tanh_safe = elementary::tanh, normal_cdf = elementary::normal_cdf, gelu_derivative = elementary::gelu_derivative }

scalar! { f64: exp_safe = f64::exp, log_safe = f64::ln, log1p_safe = f64::ln_1p,
tanh_safe = f64::tanh, normal_cdf = normal_cdf, gelu_derivative = gelu_derivative }

/// -1, 0 or 1: on which side of 0 a number lies.
pub fn sign(x: f64) -> i8 {
    i8::from(x > 0.0) - i8::from(x < 0.0)
}

/// The standard normal distribution function, by erfc, which keeps the relative precision of the negative tail. (In f32 it is a
/// rational fit of the tail's ratio to the density, because the rounding of x / sqrt 2 alone costs x^2 u.)
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// Phi(x) + x phi(x), the derivative of gelu.
fn gelu_derivative(x: f64) -> f64 {
    normal_cdf(x) + x * normal_density(x)
}

/// The standard normal density.
pub fn normal_density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}
