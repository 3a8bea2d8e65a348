//! Digests of weights, values and files.

use wgrad::nn::Tensor;
use wgrad::testing::nn::digest::{BLOCK_BYTES, of_bytes, of_file, of_tensors, of_values};

fn tensor(name: &str, shape: &[usize], values: &[f64]) -> Tensor {
    Tensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
}

#[test]
fn the_hash_is_sha_256() {
    // FIPS 180-4's example "abc", and the empty text.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(of_bytes(b"abc"), abc);
    assert_eq!(of_values(&[]), empty);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "abc").unwrap();
    assert_eq!(of_file(&path).unwrap(), (3, abc.to_string()));
    let long = "x".repeat(BLOCK_BYTES + 17);
    std::fs::write(&path, &long).unwrap();
    assert_eq!(of_file(&path).unwrap(), (long.len() as u64, of_bytes(long.as_bytes())), "more than a block");
    assert!(of_file(&folder.path().join("none")).is_err());
}

#[test]
fn the_digest_of_weights_is_the_one_that_the_definition_gives() {
    // Python: hashlib.sha256 over the fields packed by struct, as the definition above says.
    let weights = [tensor("b", &[1], &[0.5]), tensor("a", &[1, 2], &[1.0, -2.0])];
    assert_eq!(of_tensors(&weights), "6fc3c61f2259fea69bd6bc8812c993b4e9b33b531c71ebd93833930d0ebec24c");
}

#[test]
fn names_shapes_and_each_bit_count_and_the_order_in_the_file_does_not() {
    let weights = |name: &str, shape: &[usize], last: f64| {
        of_tensors(&[tensor(name, shape, &[1.0, last]), tensor("c", &[1], &[3.0])])
    };
    let base = weights("a", &[2], 2.0);
    assert_eq!(base, of_tensors(&[tensor("c", &[1], &[3.0]), tensor("a", &[2], &[1.0, 2.0])]));
    assert_eq!(base, weights("a", &[2], 2.0 + 2f64.powi(-30)), "rounded to f32 first");
    let others = [weights("b", &[2], 2.0), weights("a", &[1, 2], 2.0), weights("a", &[2], 2.0 + 2f64.powi(-22))];
    assert!(others.iter().all(|other| *other != base));
    assert_ne!(of_tensors(&[tensor("a", &[1], &[0.0])]), of_tensors(&[tensor("a", &[1], &[-0.0])]));
}

#[test]
fn values_are_told_apart_by_one_bit_and_their_order() {
    assert_ne!(of_values(&[1.0, 2.0]), of_values(&[1.0, 2.0 + 2f64.powi(-22)]));
    assert_ne!(of_values(&[1.0, 2.0]), of_values(&[2.0, 1.0]));
    assert_ne!(of_values(&[0.0]), of_values(&[-0.0]));
    assert_eq!(of_values(&[0.1]), of_values(&[f64::from(0.1f32)]), "rounded to f32 first");
}
