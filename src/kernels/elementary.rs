//! Elementary functions in f32 for the CPU: the algorithms of `shaders/lib/math.wgsl`, with the error bounds that are
//! derived there and stated in [`super::bound`] (EXP, LOG, TANH, NORMAL_TAIL).
//!
//! Why not the standard library's: those are calls, one number at a time. These are additions, products, comparisons and
//! bit operations without a branch or a table, so that a loop over them becomes vector instructions. No multiply-add is
//! contracted here: the same bits on every machine.

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln 2 in two parts (Cody and Waite): the first has 9 bits, so that its product with an exponent is exact.
const LN2_HI: f32 = 355.0 / 512.0;
const LN2_LO: f32 = -2.121_944_4e-4;
/// 1.5 * 2^23: added to a number below 2^22 and taken away again, it leaves the nearest integer; the sum's low bits are
/// that integer.
const ROUND: f32 = 12_582_912.0;
/// sqrt(1/2), as bits.
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
/// 1 / sqrt(2 pi)
const DENSITY_AT_0: f32 = 0.398_942_3;

/// A polynomial by Horner's rule, the coefficient of the highest power first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for c in &coefficients[1..] {
        sum = sum * x + c;
    }
    sum
}

/// 2^n for -126 <= n <= 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// exp(a + b) for |b| <= 0.06 and a + b <= 88.7: error at most EXP. Saturates at exp(-104) = 0 and at 3.4e38; NaN gives
/// NaN, which the comparisons are written to let through.
#[inline(always)]
fn exp_sum(a: f32, b: f32) -> f32 {
    let a = if a < -104.0 { -104.0 } else { a };
    let a = if a > 88.722_83 { 88.722_83 } else { a };
    let shifted = (a + b) * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = ((a - n * LN2_HI) - n * LN2_LO) + b;
    // exp(r) = 1 + r + r^2 q(r) on |r| <= 0.3475.
    let q = polynomial(r, [0.001_381_421, 0.008_368_9, 0.041_668_408, 0.166_665_2, 0.499_999_94]);
    let p = (q * (r * r) + r) + 1.0;
    // Two factors, because 2^n itself may lie outside the normal numbers.
    let i = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = i >> 1;
    (p * power_of_two(half)) * power_of_two(i.wrapping_sub(half))
}

/// exp(x): error at most EXP, saturating.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    exp_sum(x, 0.0)
}

/// log((1 + s) / (1 - s)) = 2 atanh(s) for |s| <= 1/3.
#[inline(always)]
fn log_ratio(s: f32) -> f32 {
    let z = s * s;
    let q = polynomial(z, [0.140_065_97, 0.140_007_73, 0.200_107_72, 0.333_332_1]);
    (2.0 * s) * (q * z + 1.0)
}

/// log(x): error at most LOG. Zero, denormals and negative numbers give the lowest finite number, so that a caller's
/// max(log, -100) works; infinity and NaN give themselves.
#[inline(always)]
pub fn log(x: f32) -> f32 {
    let bits = x.to_bits();
    // x = 2^k m with m in [sqrt(1/2), sqrt(2)).
    let k = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((k as u32) << 23));
    let n = k as f32;
    let y = n * LN2_HI + (n * LN2_LO + log_ratio((m - 1.0) / (m + 1.0)));
    let y = if x < f32::MIN_POSITIVE { f32::MIN } else { y };
    // Not less than infinity: infinity and NaN.
    if x < f32::INFINITY { y } else { x }
}

/// log(1 + x) for x > -1: error at most LOG, near 0 too.
#[inline(always)]
pub fn log1p(x: f32) -> f32 {
    let near = log_ratio(x / (2.0 + x));
    let far = log(1.0 + x);
    if (-0.5..=1.0).contains(&x) { near } else { far }
}

/// tanh(x): error at most TANH.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let z = x * x;
    let q = polynomial(z, [-0.005_704_700_5, 0.020_638_835, -0.053_739_637, 0.133_314_42, -0.333_332_8]);
    let near = x * (z * q) + x;
    let e = exp(-2.0 * x.abs());
    let far = ((1.0 - e) / (1.0 + e)).copysign(x);
    if x.abs() <= 0.625 { near } else { far }
}

/// With t = min(|x|, 14.5): t, the factor exp(-t^2 / 2) and the ratio of Phi(-t) to it.
#[inline(always)]
fn normal_tail(x: f32) -> (f32, f32, f32) {
    let t = if x.abs() > 14.5 { 14.5 } else { x.abs() };
    // The square of the upper 12 bits is exact; the rest is a correction.
    let upper = f32::from_bits(t.to_bits() & 0xffff_f000);
    let density = exp_sum(-0.5 * upper * upper, -0.5 * (t - upper) * (t + upper));
    let p = polynomial(t, [0.004_116_469_5, 0.040_634_34, 0.183_238_45, 0.438_299_42, 0.5]);
    let q = polynomial(t, [0.010_318_34, 0.101_861_63, 0.469_479_35, 1.202_516_9, 1.674_483_8, 1.0]);
    (t, density, p / q)
}

/// Phi(x), the normal distribution function: error at most NORMAL_TAIL of Phi(-|x|), and a rounding.
#[inline(always)]
pub fn normal_cdf(x: f32) -> f32 {
    let (_, density, ratio) = normal_tail(x);
    let below = density * ratio;
    if x > 0.0 { 1.0 - below } else { below }
}

/// Phi(x) + x phi(x), the derivative of gelu. In the negative tail both terms share the density, and x phi(x) is the
/// larger by far.
#[inline(always)]
pub fn gelu_derivative(x: f32) -> f32 {
    let (t, density, ratio) = normal_tail(x);
    let below = density * (ratio - t * DENSITY_AT_0);
    if x > 0.0 { 1.0 - below } else { below }
}
