//! "Did you mean", and lists of names.

use wgrad::testing::data::nearest::{nearest, quoted_list};

#[test]
fn a_typing_error_is_recognised_and_a_different_word_is_not() {
    let known = ["label", "sepal_length", "x"];
    assert_eq!(nearest("lable", known), Some("label"));
    assert_eq!(nearest("Label", known), Some("label"));
    assert_eq!(nearest("sepal-lenght", known), Some("sepal_length"));
    assert_eq!(nearest("labels_of_rows", known), Some("label"));
    assert_eq!(nearest("sep", known), Some("sepal_length"));
    assert_eq!(nearest("species", known), None);
    assert_eq!(nearest("species", []), None);
}

#[test]
fn a_long_list_is_cut() {
    let names: Vec<String> = (0..25).map(|i| i.to_string()).collect();
    assert!(quoted_list(&names).ends_with("\"19\" and 5 more"));
    assert_eq!(quoted_list(&["a", "b"]), "\"a\", \"b\"");
    assert!(quoted_list(&["é".repeat(1000)]).ends_with("é... (2000 bytes)\""));
    assert_eq!(nearest(&"a".repeat(300), ["a".repeat(299).as_str()]), None);
}
