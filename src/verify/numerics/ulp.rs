//! Units in the last place of binary32.

/// Smallest normal binary32.
pub const SMALLEST_NORMAL: f64 = f32::MIN_POSITIVE as f64;
/// Largest finite binary32.
pub const LARGEST: f64 = f32::MAX as f64;

/// The distance of the two `f32` numbers that enclose `x`; at a power of two, the smaller one (the definition of WGSL,
/// after J.-M. Muller, "On the definition of ulp(x)", 2005).
pub fn ulp(x: f64) -> f64 {
    let x = x.abs().min(LARGEST);
    if x <= SMALLEST_NORMAL {
        return f64::from(f32::from_bits(1));
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let power_of_two = bits.trailing_zeros() >= 52;
    2f64.powi(exponent - 23 - i32::from(power_of_two))
}
