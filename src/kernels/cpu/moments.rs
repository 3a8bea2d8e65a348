//! Means, variances and what the normalising kernels make of them, with the bounds on their errors.

use super::carried::Carried;
use crate::kernels::bound::{self, TINY, U};

/// 1 / sqrt(x): 2 ULP by the WGSL specification, an ULP being at most 2u relative; the CPU's two roundings are less.
pub const RSQRT: f64 = 4.0 * U;

/// The mean of `terms` as a sum of `depth` roundings a term and a division give it.
pub fn mean(terms: impl Iterator<Item = Carried>, depth: usize, count: usize) -> Carried {
    let (mut sum, mut error, mut magnitude) = (0.0, 0.0, 0.0);
    for term in terms {
        sum += term.value;
        // A partial sum may cancel to a denormal and be flushed.
        error += term.error + if term.magnitude() == 0.0 { 0.0 } else { TINY };
        magnitude += term.magnitude();
    }
    Carried::new(sum, error + bound::gamma(depth) * magnitude).over(Carried::count(count))
}

/// Mean and variance of the numbers that `x` gives, in two passes.
pub fn moments(x: impl Iterator<Item = Carried> + Clone, depth: usize, count: usize) -> (Carried, Carried) {
    let mean_x = mean(x.clone(), depth, count);
    let square = |x: Carried| (x - mean_x) * (x - mean_x);
    (mean_x, mean(x.map(square), depth, count))
}

/// 1 / sqrt(variance + eps). The function falls, so the extremes lie at the ends of what the variance may be; computed as a mean of
/// squares it is never below 0.
pub fn rstd(variance: Carried, eps: f64) -> Carried {
    let at = |v: f64, roundings: f64| 1.0 / ((v.max(0.0) + eps) * roundings).sqrt();
    let value = 1.0 / (variance.value + eps).sqrt();
    // The rounding of eps to f32 and that of the sum.
    let most = at(variance.value - variance.error, 1.0 - 2.0 * U);
    let least = at(variance.value + variance.error, 1.0 + 3.0 * U);
    let carried = (most - value).max(value - least);
    Carried::new(value, carried + RSQRT * (value + carried) + TINY)
}
