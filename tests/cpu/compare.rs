//! The comparator, and the numbers of its results in JSON.

use serde::{Deserialize, Serialize};
use wgrad::compare::{Comparison, compare, number};

fn run(expected: &[f64], found: &[f64], bound: &[f64]) -> Comparison {
    compare("t", &[expected.len()], expected, found, bound)
}

#[test]
fn equal_values_pass_with_bound_zero() {
    let c = run(&[1.0, -2.0, 0.0], &[1.0, -2.0, 0.0], &[0.0; 3]);
    assert!(c.passed && c.max_ratio == 0.0);
}

#[test]
fn a_value_within_its_bound_passes_and_one_outside_fails() {
    assert!(run(&[1.0], &[1.5], &[0.5]).passed);
    let c = run(&[1.0, 1.0], &[1.0, 1.6], &[0.5, 0.5]);
    assert!(!c.passed && c.max_ratio > 1.19 && c.worst.is_some_and(|w| w.index == 1));
}

/// Controls: each of these must fail.
#[test]
fn nan_infinity_missing_elements_and_nan_bounds_fail() {
    let nan = f64::NAN;
    assert!(!run(&[1.0], &[nan], &[1.0]).passed);
    assert!(!run(&[nan], &[1.0], &[1.0]).passed);
    assert!(!run(&[1.0], &[1.0], &[nan]).passed);
    assert!(!run(&[1.0], &[f64::INFINITY], &[1.0]).passed);
    assert!(!run(&[f64::INFINITY], &[f64::INFINITY], &[1.0]).passed);
    assert!(!compare("t", &[2], &[1.0, 2.0], &[1.0], &[1.0, 1.0]).passed);
    assert!(!run(&[0.0], &[1e-300], &[0.0]).passed);
    assert_eq!(run(&[1.0], &[nan], &[1.0]).max_ratio, f64::INFINITY);
}

#[derive(Serialize, Deserialize)]
struct One(#[serde(with = "number")] f64);

#[test]
fn every_number_comes_back_with_its_bits() {
    for v in [0.0, -0.0, 1.0, 0.1, 5e-324, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let text = serde_json::to_string(&One(v)).unwrap();
        let One(back) = serde_json::from_str(&text).unwrap();
        assert_eq!(back.to_bits(), v.to_bits(), "{text}");
    }
    assert!(serde_json::from_str::<One>("null").is_err() && serde_json::from_str::<One>("\"inf\"").is_err());
}

#[cfg(feature = "gpu")]
#[test]
fn the_units_in_the_last_place_are_those_of_wgsl_at_their_corners() {
    use wgrad::testing::verify::numerics::ulp;

    assert_eq!(ulp(1.5), f64::from(f32::EPSILON));
    assert_eq!(ulp(1.0), f64::from(f32::EPSILON) / 2.0);
    assert_eq!(ulp(-1.0 - 1e-12), f64::from(f32::EPSILON));
    assert_eq!(ulp(0.0), 2f64.powi(-149));
    assert_eq!(ulp(2f64.powi(-126)), 2f64.powi(-149));
    assert_eq!(ulp(f64::INFINITY), 2f64.powi(104));
}
