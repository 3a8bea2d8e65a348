//! Pictures made larger and smaller.

use wgrad::data::pictures::Filter;
use wgrad::testing::data::resize_picture as resize;

#[test]
fn the_same_size_is_the_same_picture_and_one_colour_stays_it() {
    let values: Vec<f32> = (0..5 * 4 * 3).map(|i| (i * 37 % 60) as f32 / 60.0).collect();
    for name in Filter::NAMES {
        let filter = Filter::by_name(name).unwrap();
        // The sine of the nearest number to pi is not 0.
        let same = resize(&values, 3, [5, 4], [5, 4], filter);
        assert!(same.iter().zip(&values).all(|(a, b)| (a - b).abs() <= f32::EPSILON), "{name}: {same:?}");
        let flat = resize(&[0.25; 7 * 9], 1, [7, 9], [3, 20], filter);
        // Weights that sum up to 1 within the rounding of each.
        assert!(flat.iter().all(|v| (v - 0.25).abs() <= f32::EPSILON), "{name}: {flat:?}");
    }
}

#[test]
fn a_box_takes_means_and_nearest_takes_pixels() {
    let values = [0.0, 0.5, 1.0, 0.5, 0.25, 0.25, 0.75, 0.75];
    assert_eq!(resize(&values, 1, [2, 4], [1, 2], Filter::Box), [0.25, 0.75]);
    assert_eq!(resize(&values, 1, [2, 4], [1, 2], Filter::Nearest), [0.25, 0.75]);
    assert_eq!(resize(&values, 1, [2, 4], [2, 2], Filter::Nearest), [0.5, 0.5, 0.25, 0.75]);
}
