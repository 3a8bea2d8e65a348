//! Axes of the pages: their ends and ticks.

use wgrad::testing::report::axis::Axis;

fn labels(axis: &Axis) -> Vec<&str> {
    axis.ticks.iter().map(|t| t.1.as_str()).collect()
}

#[test]
fn ends_and_ticks_are_round() {
    let axis = Axis::of_values([0.31, 0.12, 1.93].into_iter());
    assert_eq!(labels(&axis), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
    assert_eq!((axis.low, axis.high), (0.0, 2.0));
    assert_eq!(axis.place(0.5), Some(0.25));
    let shares = Axis::of_shares([0.884, 0.991].into_iter());
    assert_eq!(shares.ticks.last().map(|t| t.1.as_str()), Some("100 %"));
    assert!(shares.high <= 1.0);
    let steps = Axis::exact(0.0, 30.0);
    assert_eq!(labels(&steps), ["0", "5", "10", "15", "20", "25", "30"]);
}

#[test]
fn wide_spread_becomes_logarithmic() {
    let axis = Axis::of_values([2.3, 0.001].into_iter());
    assert!(axis.log);
    assert!(labels(&axis).contains(&"0.01"));
    assert_eq!(axis.place(0.0), None);
    assert!(!Axis::of_values([2.3, 0.0].into_iter()).log, "zero has no logarithm");
}

#[test]
fn any_range_gives_a_finite_axis() {
    let ends = [0.0, -0.0, 1e-320, 1e-30, 1.0, -1.0, 1e30, 1e300, -1e300, 1e308, f64::NAN, f64::INFINITY];
    for a in ends {
        for b in ends {
            let values = || [a, b].into_iter();
            for axis in [Axis::of_values(values()), Axis::of_shares(values()), Axis::of_positive(values())] {
                assert!(axis.low.is_finite() && axis.high.is_finite(), "{a} {b}: {axis:?}");
                assert!(axis.low < axis.high, "{a} {b}: {axis:?}");
                assert!((1..=40).contains(&axis.ticks.len()), "{a} {b}: {axis:?}");
                let places = axis.ticks.iter().filter_map(|t| axis.place(t.0));
                assert!(places.clone().count() == axis.ticks.len(), "{a} {b}: {axis:?}");
                assert!(places.into_iter().all(|p| (-1e-6..=1.0 + 1e-6).contains(&p)), "{a} {b}: {axis:?}");
            }
        }
    }
}
