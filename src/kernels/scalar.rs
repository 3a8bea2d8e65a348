//! The number type that a CPU kernel is generic over.

use num_traits::{Float, NumAssign};

/// `f32` (the device `cpu`) or `f64` (the judge).
pub trait Scalar:
    Float + NumAssign + Default + Send + Sync + std::fmt::Debug + std::iter::Sum + bytemuck::Pod + 'static
{
    /// Rounds an `f64` to this type.
    fn of(v: f64) -> Self;
    /// Widens to `f64`; exact.
    fn widen(self) -> f64;
}

impl Scalar for f32 {
    fn of(v: f64) -> Self {
        v as f32
    }
    fn widen(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    fn of(v: f64) -> Self {
        v
    }
    fn widen(self) -> f64 {
        self
    }
}
