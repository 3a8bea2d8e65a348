//! Names of tensors in files of PyTorch: their order, and which bias belongs to which weight.

use wgrad::testing::exchange::{bias_of, natural};

#[test]
fn names_are_ordered_as_people_count() {
    let mut names = ["net.10.weight", "net.2.weight", "net.0.weight", "head.weight"];
    names.sort_by_key(|name| natural(name));
    assert_eq!(names, ["head.weight", "net.0.weight", "net.2.weight", "net.10.weight"]);
    assert_eq!(bias_of("net.0.bias").as_deref(), Some("net.0.weight"));
    assert_eq!((bias_of("bias").as_deref(), bias_of("net.0.unbias")), (Some("weight"), None));
}
