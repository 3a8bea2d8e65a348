//! Scaling of the features.

use wgrad::data::{Fit, Scale, Scaler};

/// `scale` fitted to `x`, rows x `width`, row-major.
fn fit(scale: Scale, x: &[f64], width: usize) -> Scaler {
    let mut fit = Fit::new(scale, width);
    x.chunks_exact(width).for_each(|row| fit.add(row));
    fit.finish()
}

#[test]
fn standard_uses_the_population_deviation_and_leaves_a_constant_column_at_zero() {
    let x = [2.0, 0.1, 4.0, 0.1, 4.0, 0.1, 4.0, 0.1, 5.0, 0.1, 5.0, 0.1, 7.0, 0.1, 9.0, 0.1];
    let scaler = fit(Scale::Standard, &x, 2);
    // Mean 5 and population deviation 2 are exact here (with divisor n - 1 it would be 2.138).
    assert_eq!(scaler, Scaler::Standard { mean: vec![5.0, 0.1], std: vec![2.0, 1.0] });
    let mut y = x;
    scaler.apply(&mut y);
    assert_eq!(&y[..4], &[-1.5, 0.0, -0.5, 0.0]);
}

#[test]
fn a_large_mean_costs_no_digits() {
    let x = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0];
    // Deviations from the mean 1e9 + 10 are 6, 3, 3, 6: variance 90 / 4. A sum of squares minus a squared mean
    // would lose all of it, because 1e18 has a spacing of 128. The four means carry at most half a spacing of
    // 1e9 (6e-8) each, relative to deviations of 3 and more.
    let Scaler::Standard { mean, std } = fit(Scale::Standard, &x, 1) else { unreachable!() };
    assert!((mean[0] - (1e9 + 10.0)).abs() <= 4.0 * 6e-8, "{mean:?}");
    assert!((std[0] - 22.5_f64.sqrt()).abs() <= 4.0 * 6e-8, "{std:?}");
}

#[test]
fn minmax_maps_to_the_unit_interval_and_does_not_clip() {
    let x = [0.0, 3.0, 16.0, 3.0, 4.0, 3.0];
    let scaler = fit(Scale::Minmax, &x, 2);
    let mut y = [4.0, 3.0, 32.0, 9.0];
    scaler.apply(&mut y);
    assert_eq!(y, [0.25, 0.0, 2.0, 0.0]);
}

#[test]
fn a_scaler_survives_json_bit_for_bit() {
    // The first is a number that serde_json without its feature `float_roundtrip` reads one bit off: a resumed run
    // would then scale its rows a little differently.
    let mean = vec![-4.819042374982791e+121, 0.1 + 0.2, -5e-324, f64::MAX];
    let std = vec![1.0 / 3.0, 1e-300, f64::MIN_POSITIVE, 9007199254740991.0];
    let scaler = Scaler::Standard { mean, std };
    let text = serde_json::to_string(&scaler).unwrap();
    assert_eq!(serde_json::from_str::<Scaler>(&text).unwrap(), scaler, "{text}");
    assert!(text.starts_with(r#"{"kind":"standard","mean":["#), "{text}");
    let none: Scaler = serde_json::from_str(r#"{"kind":"none"}"#).unwrap();
    assert_eq!(none, Scaler::None);
    for &name in Scale::NAMES {
        assert_eq!(Scale::by_name(name).unwrap().name(), name);
    }
}
