//! The traits of the crate `approx` for tensors, so that `assert_relative_eq!(a, b, max_relative = 1e-5)` works.
//!
//! Two tensors are close when names and shapes are equal and every pair of elements is close; NaN is close to nothing. For a
//! bound that is derived rather than chosen use [`crate::verify`].

use super::Tensor;
use approx::{AbsDiffEq, RelativeEq, UlpsEq};

impl Tensor {
    fn pairwise(&self, other: &Tensor, close: impl Fn(&f64, &f64) -> bool) -> bool {
        self.name == other.name
            && self.shape == other.shape
            && self.values.len() == other.values.len()
            && self.values.iter().zip(&other.values).all(|(a, b)| close(a, b))
    }
}

impl AbsDiffEq for Tensor {
    type Epsilon = f64;

    fn default_epsilon() -> f64 {
        f64::default_epsilon()
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: f64) -> bool {
        self.pairwise(other, |a, b| a.abs_diff_eq(b, epsilon))
    }
}

impl RelativeEq for Tensor {
    fn default_max_relative() -> f64 {
        f64::default_max_relative()
    }

    fn relative_eq(&self, other: &Self, epsilon: f64, max_relative: f64) -> bool {
        self.pairwise(other, |a, b| a.relative_eq(b, epsilon, max_relative))
    }
}

impl UlpsEq for Tensor {
    fn default_max_ulps() -> u32 {
        f64::default_max_ulps()
    }

    fn ulps_eq(&self, other: &Self, epsilon: f64, max_ulps: u32) -> bool {
        self.pairwise(other, |a, b| a.ulps_eq(b, epsilon, max_ulps))
    }
}
