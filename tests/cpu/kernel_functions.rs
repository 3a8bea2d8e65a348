//! What the kernels' CPU functions and bounds are made of: elementary functions, sums of exponentials; and which way a product takes.

use wgrad::kernels::bound::{EXP, LOG, NORMAL_TAIL, TANH, TINY, U};
use wgrad::kernels::cpu::log_sum::{LogSum, log_sum_exp, log1p_exp, share};
use wgrad::kernels::elementary::{exp, gelu_derivative, log, log1p, normal_cdf, tanh};
use wgrad::kernels::product::Products;
use wgrad::kernels::product::tuning::Way;
use wgrad::kernels::scalar;

/// Every `stride`-th float of either sign, from 0 to infinity: about 4 million of them.
fn floats() -> impl Iterator<Item = f32> {
    (0..=f32::INFINITY.to_bits()).step_by(1021).flat_map(|b| [f32::from_bits(b), -f32::from_bits(b)])
}

/// The largest error over `x`, as a part of `bound` relative to the exact value.
fn worst(x: impl Iterator<Item = f32>, f: fn(f32) -> f32, exact: fn(f64) -> f64, bound: f64) -> f64 {
    let ratio = |x: f32| {
        let y = exact(f64::from(x));
        (f64::from(f(x)) - y).abs() / (bound * y.abs() + TINY)
    };
    x.map(ratio).fold(0.0, |worst, r| if r <= worst { worst } else { r })
}

#[test]
fn every_function_stays_within_its_bound_over_all_magnitudes() {
    let exponents = || floats().filter(|x| x.abs() < 88.7).chain((0..2_000_000).map(|i| -104.0 + i as f32 * 9.63e-5));
    let found = [
        ("exp", worst(exponents(), exp, f64::exp, EXP)),
        ("log", worst(floats().filter(|x| *x >= f32::MIN_POSITIVE && x.is_finite()), log, f64::ln, LOG)),
        ("log1p", worst(floats().filter(|x| *x > -0.9999 && x.is_finite()), log1p, f64::ln_1p, LOG)),
        ("tanh", worst(floats(), tanh, f64::tanh, TANH)),
        ("normal_cdf", worst(floats().filter(|x| *x < 0.0), normal_cdf, scalar::normal_cdf, NORMAL_TAIL)),
    ];
    for (name, ratio) in found {
        println!("{name:<11} error/bound {ratio:.3}");
        // Within the bound, and near enough that the comparison measures something.
        assert!(ratio <= 1.0 && ratio > 0.05, "{name}: {ratio}");
    }
}

#[test]
fn ends_and_special_values() {
    for f in [exp, log, log1p, tanh, normal_cdf, gelu_derivative] {
        assert!(f(f32::NAN).is_nan());
    }
    assert_eq!((exp(0.0), exp(-1e30), exp(f32::NEG_INFINITY)), (1.0, 0.0, 0.0));
    assert!(exp(1e30) > 3.4e38);
    assert_eq!((log(1.0), log(0.0), log(f32::INFINITY)), (0.0, f32::MIN, f32::INFINITY));
    assert_eq!((log1p(0.0), log1p(f32::INFINITY)), (0.0, f32::INFINITY));
    assert_eq!((tanh(1e30), tanh(-1e30), tanh(0.0)), (1.0, -1.0, 0.0));
    assert_eq!((normal_cdf(1e30), normal_cdf(-1e30), normal_cdf(0.0)), (1.0, 0.0, 0.5));
    assert_eq!((gelu_derivative(1e30), gelu_derivative(-1e30), gelu_derivative(0.0)), (1.0, 0.0, 0.5));
}

#[test]
fn a_polynomial_that_is_cut_short_is_seen() {
    // exp with the last coefficient off by one part in 2^22.
    fn wrong(x: f32) -> f32 {
        exp(x) * (1.0 + 8.0 * U as f32)
    }
    assert!(worst(floats().filter(|x| x.abs() < 80.0), wrong, f64::exp, EXP) > 1.0);
}

#[test]
fn a_sum_without_a_term_is_the_sum_of_the_others() {
    for x in [[0.0, 0.0, 0.0], [1e4, 0.0, -3.0], [-1e4, 2.0, 2.5], [f64::INFINITY, 1.0, 2.0]] {
        let sum = LogSum::of(x.into_iter());
        for j in 0..3 {
            let others = log_sum_exp(x.into_iter().enumerate().filter(|(k, _)| *k != j).map(|(_, x)| x));
            let found = sum.without(j, x[j]);
            assert!(found == others || (found - others).abs() <= 1e-12 * others.abs().max(1.0), "{x:?} without {j}");
        }
    }
}

#[test]
fn shares_and_logarithms_reach_their_limits() {
    assert_eq!((share(1e6, 0.0), share(-1e6, 0.0), share(3.0, 3.0)), (1.0, 0.0, 0.5));
    assert_eq!((share(0.0, f64::NEG_INFINITY), share(0.0, f64::INFINITY)), (1.0, 0.0));
    assert_eq!((log1p_exp(1e6), log1p_exp(-1e6)), (1e6, 0.0));
    assert_eq!(log_sum_exp(std::iter::empty()), f64::NEG_INFINITY);
}

#[test]
fn the_engine_follows_the_adapter_and_the_width() {
    let constants = |products: Products, sizes| products.constants(sizes, [false, true]);
    let lanes = Products { direct: true, lanes: Some(8) };
    assert_eq!(constants(Products::default(), [32, 32, 8]), [("DIRECT", 0.0), ("SIDE", 8.0)]);
    assert_eq!(constants(Products::default(), [1024, 1024, 8]), [("DIRECT", 0.0), ("SIDE", 16.0)]);
    assert_eq!(constants(lanes, [32, 10, 8]), [("DIRECT", 1.0), ("SIDE", 4.0)]);
    assert_eq!(constants(lanes, [64, 129, 8]), [("DIRECT", 1.0), ("SIDE", 8.0)]);
    let wide = constants(lanes, [256, 1024, 13]);
    assert_eq!(wide, [("LANES", 8.0), ("BLOCKS", 8.0), ("VEC_A", 0.0), ("VEC_B", 0.0)]);
}

#[test]
fn small_products_get_smaller_tiles() {
    let way = |m: usize, n: usize| Products { direct: true, lanes: Some(8) }.rule([m, n, 8]);
    assert_eq!(way(1024, 1024), Way::Broadcast(8));
    assert_eq!(way(32, 64), Way::Broadcast(4));
    assert_eq!(way(32, 32), Way::Broadcast(2));
    assert_eq!(way(1, 4096), Way::Broadcast(2));
}
