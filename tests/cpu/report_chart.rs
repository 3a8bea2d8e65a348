//! Line charts of the pages: gaps in their curves, and how long curves are thinned.

use wgrad::testing::report::axis::Axis;
use wgrad::testing::report::chart::{COLUMNS, Chart, Curve, thin};

fn chart(points: Vec<(f64, f64)>) -> Chart<'static> {
    Chart {
        title: "Loss",
        y_title: "loss",
        x_title: "epoch",
        x: Axis::exact(0.0, 10.0),
        y: Axis::of_values(points.iter().map(|p| p.1)),
        curves: vec![Curve { name: "training", class: "train", points }],
        notes: vec![(1.0, "epoch 1".into()), (10.0, "epoch 10".into())],
    }
}

#[test]
fn a_value_that_is_not_finite_breaks_the_line() {
    let chart = chart(vec![(1.0, 3.0), (2.0, 2.0), (3.0, f64::NAN), (4.0, 1.0), (5.0, f64::INFINITY), (6.0, 2.0)]);
    let path = chart.path(&chart.curves[0]);
    let line = path.lines().next().unwrap();
    assert_eq!(line.matches('M').count(), 3, "{line}");
    assert_eq!(line.matches('L').count(), 1, "{line}");
    assert!(!path.contains("NaN") && !path.contains("inf"), "{path}");
    assert!(chart.render().contains("2 values that are no finite number"));
}

#[test]
fn thinning_keeps_extremes_and_gaps() {
    let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (i as f64, (i % 7) as f64)).collect();
    points[54_321].1 = 99.0;
    points[77_777].1 = f64::NAN;
    let thinned = thin(&points, 0.0, 100_000.0);
    assert!(thinned.len() <= 3 * COLUMNS, "{}", thinned.len());
    assert!(thinned.contains(&(54_321.0, 99.0)));
    assert_eq!(thinned.iter().filter(|p| p.1.is_nan()).count(), 1);
    assert!(thinned.is_sorted_by(|a, b| a.0 < b.0));
}
