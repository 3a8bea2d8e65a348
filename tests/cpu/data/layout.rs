//! Shapes of arrays.

use wgrad::Result;
use wgrad::testing::data::arrays::Layout;
use wgrad::testing::data::arrays::element::Element;

fn layout(shape: &[u64], fortran: bool) -> Result<Layout> {
    Layout::new("a.npy", Element::F64, false, shape, fortran)
}

#[test]
fn shapes_that_no_memory_holds_are_refused_without_overflow() {
    for (shape, expected) in [
        (&[][..], "a single number has no rows"),
        (&[0, 3], "is empty"),
        (&[3, 0, u64::MAX], "is empty"),
        (&[1, u64::MAX, u64::MAX], "4194304"),
        (&[1, (1 << 22) + 1], "4194304"),
        (&[1 << 32], "4294967295"),
    ] {
        let message = layout(shape, false).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("float64"), "{shape:?}: {message}");
    }
    let message = layout(&[100, 10], false).unwrap().fits("a.npy", 7999).unwrap_err().to_string();
    assert!(message.contains("100 x 10 float64 (8000 bytes)") && message.contains("7999"), "{message}");
    assert!(layout(&[100, 10], false).unwrap().fits("a.npy", 8000).is_ok());
}

#[test]
fn columns_are_named_by_their_place_in_the_row() {
    assert_eq!(layout(&[5], false).unwrap().column_names("y"), ["y"]);
    assert_eq!(layout(&[5, 1], false).unwrap().column_names("y"), ["y"]);
    assert_eq!(layout(&[5, 2], false).unwrap().column_names("x"), ["x[0]", "x[1]"]);
    assert_eq!(layout(&[5, 2, 2], false).unwrap().column_names("x"), ["x[0,0]", "x[0,1]", "x[1,0]", "x[1,1]"]);
}

#[test]
fn the_first_index_runs_fastest_in_fortran() {
    let layout = layout(&[2, 3, 4], true).unwrap();
    // Element (r, i, j) lies at r + 2 (i + 3 j).
    assert_eq!(layout.fortran_start(0), 0);
    assert_eq!(layout.fortran_start(4 + 2), 2 * (1 + 3 * 2));
    assert_eq!(layout.fortran_start(11), 2 * (2 + 3 * 3));
}
