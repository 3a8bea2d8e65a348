//! The error of x / (sqrt(v) * k + eps), which every optimizer with a second moment has.

use super::carried::Carried;
use crate::kernels::bound::{DIV, TINY, U};

/// sqrt by the WGSL specification is 1 / inverseSqrt(v): 2 ULP (4 u), then a division. 1 u covers their product.
pub const SQRT: f64 = 4.0 * U + DIV + U;

/// The least that the f32 value of `x`, which is not negative, may be.
pub fn least(x: Carried) -> f64 {
    (x.value - x.error).max(0.0)
}

/// x / (sqrt(v) k + eps) for any v of at least 0: the divisor lies between those of the ends of v's interval, and never
/// below eps, however little is known of v.
pub fn over_root(x: Carried, v: Carried, k: Carried, eps: Carried) -> Carried {
    let divisor = v.value.max(0.0).sqrt() * k.value + eps.value;
    let value = x.value / divisor;
    // The root, the product and the sum, each within its rounding; a denormal root may be flushed.
    let rounding = (1.0 + SQRT + U) * (1.0 + U) * (1.0 + U) - 1.0;
    let low = (least(v).sqrt() * least(k) + least(eps)) * (1.0 - rounding) - TINY;
    let high = ((v.value.max(0.0) + v.error).sqrt() * k.magnitude() + eps.magnitude()) * (1.0 + rounding) + TINY;
    if low.is_nan() || low <= 0.0 {
        return Carried { value, error: f64::INFINITY };
    }
    let moved = x.value.abs() * (1.0 / low - 1.0 / divisor).max(1.0 / divisor - 1.0 / high);
    let carried = x.error / low + moved;
    Carried { value, error: carried + DIV * (value.abs() + carried) + TINY }
}
