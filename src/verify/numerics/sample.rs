//! Operands: the same on every machine, dense over a range in both senses, by value and by exponent; and the unit in which the
//! errors of results are stated.

use super::operation::Operation;

/// Samples of each operation.
pub const SAMPLES: usize = 1 << 16;

/// Both ends belong to it.
#[derive(Debug, Clone, Copy)]
pub struct Range(pub f32, pub f32);

/// Where the operands of an operation lie.
#[derive(Debug, Clone, Copy)]
pub enum Spread {
    /// One operand; each range has the same share of the samples.
    Over(&'static [Range]),
    /// Two operands of either sign: any exponents in [-60, 60], or within a factor of four of each other.
    Pairs,
    /// Three positive operands, a * b and c within a factor of four of each other: no cancellation, so that an error in
    /// units of the result is an error of the operation.
    SameSign,
}

/// A counter-based sequence: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014) over the index.
fn uniform(index: usize, stream: u64) -> f64 {
    let mut z =
        (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// A position in the order of all `f32` numbers.
fn order(x: f32) -> i64 {
    let bits = i64::from(x.to_bits() & 0x7fff_ffff);
    if x.is_sign_negative() { -bits } else { bits }
}

fn from_order(position: i64) -> f32 {
    let magnitude = f32::from_bits(position.unsigned_abs() as u32);
    if position < 0 { -magnitude } else { magnitude }
}

/// Sample `i` of `Range(lo, hi)`: the first two are its ends, then in turn uniform by value and by position.
fn over(Range(lo, hi): Range, i: usize) -> f32 {
    let t = uniform(i, 1);
    let x = match i {
        0 => lo,
        1 => hi,
        _ if i.is_multiple_of(2) => (f64::from(lo) + t * (f64::from(hi) - f64::from(lo))) as f32,
        _ => from_order(order(lo) + (t * (order(hi) - order(lo)) as f64) as i64),
    };
    // By position, a range through zero meets denormals, which are a subject of their own.
    if x.is_subnormal() { 0.0 } else { x.clamp(lo, hi) }
}

fn magnitude(i: usize, stream: u64, exponent: i32) -> f32 {
    let e = (uniform(i, stream) * f64::from(2 * exponent + 1)) as i32 - exponent;
    ((1.0 + uniform(i, stream + 1)) * 2f64.powi(e)) as f32
}

/// Half to four times `x`.
fn near(x: f32, i: usize, stream: u64) -> f32 {
    (f64::from(x) * (0.25 + 3.75 * uniform(i, stream))) as f32
}

fn signed(x: f32, i: usize, stream: u64) -> f32 {
    if uniform(i, stream) < 0.5 { -x } else { x }
}

/// Operands of sample `i` of `operation`.
pub fn operands(operation: &Operation, i: usize) -> [f32; 3] {
    match operation.spread {
        Spread::Over(ranges) => [over(ranges[i % ranges.len()], i / ranges.len()), 0.0, 0.0],
        Spread::Pairs => {
            let a = magnitude(i, 2, 60);
            let b = if i.is_multiple_of(2) { near(a, i, 4) } else { magnitude(i, 5, 60) };
            [signed(a, i, 7), signed(b, i, 8), 0.0]
        }
        Spread::SameSign => {
            let (a, b) = (magnitude(i, 2, 30), magnitude(i, 4, 30));
            [a, b, near(a * b, i, 6)]
        }
    }
}

/// Factors whose product is not an `f32`, and minus the rounded product: a fused multiply-add returns what the rounding
/// dropped, two roundings return zero. The remainder of a product is an `f32` itself.
pub fn residual(i: usize) -> ([f32; 3], f32) {
    let (a, b) = (magnitude(i, 11, 20), signed(magnitude(i, 13, 20), i, 15));
    let exact = f64::from(a) * f64::from(b);
    let rounded = a * b;
    ([a, b, -rounded], (exact - f64::from(rounded)) as f32)
}

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
