// Elementary functions with an accuracy of our own: + - * /, comparisons, floor and bit operations only, so that the
// error does not depend on a driver's built-ins (WGSL grants `exp` 3 + 2|x| ULP, `log` 2^-21 absolute near 1, and
// `tanh` is NaN for large inputs on some drivers). Every step keeps its bound whether or not a multiply-add is
// contracted. Denormal results may be flushed to zero. In the comments u = 2^-24; a division costs 5u (2.5 ULP).
//
// All polynomials are minimax fits of our own in 40-digit arithmetic (iteratively reweighted least squares on
// Chebyshev nodes, relative weight), with the coefficients rounded to f32; the fit errors given are those of the
// rounded coefficients, measured on at least 2,000 points.
//#include arithmetic.wgsl

// Bit tests: naga writes `x != x` as an ordered comparison, which is false for NaN (docs/numerics.md).
fn is_nan_bits(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_finite_bits(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

const LOG2_E: f32 = 1.44269504;
// ln 2 in two parts (W. J. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980). The first,
// 355/512, has 9 bits, so that its product with an exponent is exact.
const LN2_HI: f32 = 0.693359375;
const LN2_LO: f32 = -2.12194440e-4;

// 2^n for -126 <= n <= 127.
fn power_of_two(n: i32) -> f32 {
    return bitcast<f32>(u32(n + 127) << 23u);
}

// exp(a + b) for |b| <= 0.06 and a + b <= 88.7; the correction b keeps the digits that a square rounds away.
// Saturates at exp(-104) = 0 and at 3.4028e38; NaN gives NaN.
// Error <= 4u, relative: a - n LN2_HI is exact; r carries 0.1u (LN2_LO) + 2 * 0.35u (two roundings) + 0.2u (b); the
// polynomial 0.9u inside the last addition and u in it; the fit 0.07u. The scaling is exact.
fn exp_sum(a: f32, b: f32) -> f32 {
    let nan = is_nan_bits(a);
    let x = clamp(select(a, 0.0, nan), -104.0, 88.72283);
    let n = floor(mul_add(x + b, LOG2_E, 0.5));
    let r = mul_add(-n, LN2_LO, mul_add(-n, LN2_HI, x)) + b;
    // exp(r) = 1 + r + r^2 q(r) on |r| <= 0.3475.
    var q = 0.001381421;
    q = mul_add(q, r, 0.0083689);
    q = mul_add(q, r, 0.041668408);
    q = mul_add(q, r, 0.1666652);
    q = mul_add(q, r, 0.49999994);
    let p = mul_add(q, r * r, r) + 1.0;
    // Two factors, because 2^n itself may lie outside the normal numbers.
    let i = i32(n);
    let half = i >> 1u;
    return select((p * power_of_two(half)) * power_of_two(i - half), a, nan);
}

// exp(x), saturating; see exp_sum.
fn exp_safe(x: f32) -> f32 {
    return exp_sum(x, 0.0);
}

// log((1 + s) / (1 - s)) = 2 atanh(s) for |s| <= 1/3.
// Error <= 2.2u plus 1.09 times that of s: two roundings at the end, 0.1u inside, the fit 0.1u.
fn log_ratio(s: f32) -> f32 {
    let z = s * s;
    var q = 0.14006597;
    q = mul_add(q, z, 0.14000773);
    q = mul_add(q, z, 0.20010772);
    q = mul_add(q, z, 0.3333321);
    return (2.0 * s) * mul_add(q, z, 1.0);
}

// log(x) for x > 0. NaN and infinity give themselves; zero, denormals and negative numbers give the lowest finite
// number, so that a caller's max(log, -100) works.
// x = 2^k m with m in [sqrt(1/2), sqrt(2)). Error <= 12u, relative, near 1 too: m - 1 is exact, s = (m - 1) / (m + 1)
// carries 6u, log_ratio 2.2u, two additions u each; their terms cancel at most down to |log x| = 0.3466, where
// the part of log_ratio is just as large.
fn log_safe(x: f32) -> f32 {
    if (!is_finite_bits(x)) {
        return x;
    }
    if (x < 1.17549435e-38) {
        return -3.4028234e38;
    }
    let bits = bitcast<u32>(x);
    // 0x3f3504f3 is sqrt(1/2); the shift keeps the sign.
    let k = bitcast<i32>(bits - 0x3f3504f3u) >> 23u;
    let m = bitcast<f32>(bits - (bitcast<u32>(k) << 23u));
    let n = f32(k);
    return mul_add(n, LN2_HI, mul_add(n, LN2_LO, log_ratio(quotient(m - 1.0, m + 1.0))));
}

// log(1 + x) for x > -1, with full relative precision near 0.
// Error <= 12u, relative: on [-1/2, 1] log_ratio of s = x / (2 + x), which carries 6u; above, the rounding of 1 + x
// costs u / log 2; below, 1 + x is exact.
fn log1p_safe(x: f32) -> f32 {
    if (x >= -0.5 && x <= 1.0) {
        return log_ratio(quotient(x, 2.0 + x));
    }
    return log_safe(1.0 + x);
}

// tanh(x). Error <= 10u, relative: up to 0.625 an odd polynomial (2u: the correction is at most 0.13 of the result; fit
// 0.17u), above it (1 - e) / (1 + e) with e = exp(-2|x|) <= 0.2866 (e 2.5u, two sums, a division).
fn tanh_safe(x: f32) -> f32 {
    if (abs(x) <= 0.625) {
        let z = x * x;
        var q = -0.0057047005;
        q = mul_add(q, z, 0.020638835);
        q = mul_add(q, z, -0.053739637);
        q = mul_add(q, z, 0.13331442);
        q = mul_add(q, z, -0.3333328);
        return mul_add(x, z * q, x);
    }
    let e = exp_safe(-2.0 * abs(x));
    let y = quotient(1.0 - e, 1.0 + e);
    return select(y, -y, x < 0.0);
}

// Parts of the normal distribution at -t, t = min(|x|, 14.5):
//   density = exp(-t^2 / 2), ratio = Phi(-t) / density.
struct NormalTail {
    t: f32,
    density: f32,
    ratio: f32,
}

// Error of density <= 4u: t is split so that the square of its upper 12 bits is exact and the rest is a correction.
// Error of ratio <= 24u: a rational fit with positive coefficients on [0, 14.5] (fit 0.5u), two roundings a step of
// Horner's rule (8u and 10u), one division. exp(-14.5^2 / 2) is 0 in f32, so that nothing is lost beyond.
fn normal_tail(x: f32) -> NormalTail {
    let t = min(abs(x), 14.5);
    let upper = bitcast<f32>(bitcast<u32>(t) & 0xfffff000u);
    let density = exp_sum(-0.5 * upper * upper, -0.5 * (t - upper) * (t + upper));
    var p = 0.0041164695;
    p = mul_add(p, t, 0.04063434);
    p = mul_add(p, t, 0.18323845);
    p = mul_add(p, t, 0.43829942);
    p = mul_add(p, t, 0.5);
    var q = 0.01031834;
    q = mul_add(q, t, 0.10186163);
    q = mul_add(q, t, 0.46947935);
    q = mul_add(q, t, 1.2025169);
    q = mul_add(q, t, 1.6744838);
    q = mul_add(q, t, 1.0);
    return NormalTail(t, density, quotient(p, q));
}

// Phi(x), the standard normal distribution function; the negative tail keeps its relative precision (30u).
fn normal_cdf(x: f32) -> f32 {
    let tail = normal_tail(x);
    let below = tail.density * tail.ratio;
    return select(below, mul_add(-tail.density, tail.ratio, 1.0), x > 0.0);
}
