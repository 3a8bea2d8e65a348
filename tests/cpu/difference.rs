//! Derivatives by central differences, extrapolated, with a bound on their error.

use wgrad::testing::verify::difference::{FIRST_STEP, LEVELS, Series};

fn run(f: impl Fn(f64) -> f64, at: f64) -> Option<(f64, f64)> {
    let mut series = Series { loss_error: 4.0 * f64::EPSILON * f(at).abs(), quotients: Vec::new(), best: None };
    for k in 0..LEVELS {
        let h = FIRST_STEP * 0.25_f64.powi(k as i32);
        series.push(h, (f(at + h) - f(at - h)) / (2.0 * h));
    }
    series.best
}

#[test]
fn known_derivatives_lie_within_a_small_bound() {
    type Case = (fn(f64) -> f64, fn(f64) -> f64);
    let cases: [Case; 4] = [
        (f64::exp, f64::exp),
        (|x| (20.0 * x).sin(), |x| 20.0 * (20.0 * x).cos()),
        (|x| x * x * x, |x| 3.0 * x * x),
        (|x| 1.0 / (1.0 + x * x), |x| -2.0 * x / (1.0 + x * x).powi(2)),
    ];
    for (i, (f, slope)) in cases.iter().enumerate() {
        for k in 0..200 {
            let x = 0.013 * f64::from(k) - 1.3;
            let (derivative, error) = run(f, x).unwrap();
            assert!((derivative - slope(x)).abs() <= error, "case {i} at {x}: {derivative}, {}, {error}", slope(x));
            assert!(error < 1e-8 * (1.0 + slope(x).abs()), "case {i} at {x}: the bound {error} proves little");
        }
    }
}

/// Control: a kink that pieces do not show, at a distance between the steps, must not give a narrow bound around a
/// wrong slope: from far away |x| looks flat.
#[test]
fn a_kink_close_by_is_never_met_with_confidence() {
    for k in 1..36 {
        let at = 0.1 * 0.7_f64.powi(k);
        let Some((derivative, error)) = run(f64::abs, at) else { continue };
        assert!((derivative - 1.0).abs() <= error + 1e-15, "|x|' at {at}: {derivative}, bound {error}");
    }
}
