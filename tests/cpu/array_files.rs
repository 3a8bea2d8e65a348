//! Files that numpy and safetensors wrote, held against what they say is in them (tests/interop/array_files.py), and files
//! that are damaged.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use wgrad::data::sniff;
use wgrad::testing::data::arrays::ArrayFile;

#[derive(Deserialize)]
struct Expected {
    file: String,
    array: Option<String>,
    #[serde(rename = "type")]
    element: String,
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/arrays").join(name)
}

fn expected() -> Vec<Expected> {
    serde_json::from_slice(&std::fs::read(fixture("expected.json")).unwrap()).unwrap()
}

fn open(path: &Path) -> wgrad::Result<ArrayFile> {
    let (kind, gzip) = sniff(path)?;
    ArrayFile::open(path, kind, gzip)
}

/// All values of an array, read `count` rows at a time.
fn values(path: &Path, array: Option<&str>, count: usize) -> wgrad::Result<Vec<f64>> {
    let file = open(path)?;
    let array = array.map_or(Ok(&file.arrays()[0]), |name| file.array(name))?;
    let mut rows = file.rows(array)?;
    let mut values = Vec::new();
    while rows.rows_left() > 0 {
        let bytes = rows.read(count)?;
        array.layout.element.decode(array.layout.big_endian, &bytes, &mut values);
    }
    Ok(values)
}

#[test]
fn every_array_is_what_its_writer_says() {
    let all = expected();
    assert!(all.len() >= 50, "only {} arrays", all.len());
    for Expected { file, array, element, shape, values: expected } in &all {
        let opened = open(&fixture(file)).unwrap();
        let found = array.as_deref().map_or(&opened.arrays()[0], |name| opened.array(name).unwrap());
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        assert_eq!(found.layout.describe(), format!("{} {element}", sizes.join(" x ")), "{file}");
        assert_eq!(found.name, *array, "{file}");
        for count in [1, 2, 1000] {
            let found = values(&fixture(file), array.as_deref(), count).unwrap();
            // Bits: -0.0 is not 0.0, and every value of these types is an f64.
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(expected), "{file} {array:?}, {count} rows at a time");
        }
    }
}

#[test]
fn an_array_that_is_not_there_is_told_with_those_that_are() {
    let file = open(&fixture("keras.npz")).unwrap();
    let message = file.array("x_trian").unwrap_err().to_string();
    assert!(message.contains("did you mean \"x_train\"?"), "{message}");
    assert!(message.contains("\"x_test\" (2 x 2 x 3 uint8)"), "{message}");
    // Words and single numbers are in the list with the reason, and do not stand in the way of the others.
    let words = open(&fixture("words.npz")).unwrap().describe();
    assert!(words.contains("numpy.unique") && words.contains("a single number"), "{words}");
}

/// A copy of a fixture, changed.
fn changed(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(fixture(name)).unwrap();
    change(&mut bytes);
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (name, array) in [
        ("images-idx3-ubyte", None),
        ("images-idx3-ubyte.gz", None),
        ("f8.npy", None),
        ("fortran.npy", None),
        ("fortran.npy.gz", None),
        ("stored.npz", Some("x")),
        ("compressed.npz", Some("x")),
        ("tensors.safetensors", Some("x")),
    ] {
        let whole = std::fs::read(fixture(name)).unwrap().len();
        for length in 0..whole {
            let path = changed(folder.path(), name, |bytes| bytes.truncate(length));
            let result = values(&path, array, 3);
            let message = result.expect_err(&format!("{name} cut at {length}")).to_string();
            assert!(message.contains(name), "{message}");
        }
        let path = changed(folder.path(), name, |_| ());
        assert!(values(&path, array, 3).is_ok(), "{name}");
    }
}

#[test]
fn a_changed_byte_of_packed_data_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (name, array) in [("images-idx3-ubyte.gz", None), ("stored.npz", Some("x")), ("compressed.npz", Some("x"))] {
        let right = values(&fixture(name), array, 3).unwrap();
        for at in 0..std::fs::read(fixture(name)).unwrap().len() {
            let path = changed(folder.path(), name, |bytes| bytes[at] ^= 0x10);
            // A byte may mean nothing (a time, a flag), but never other numbers.
            if let Ok(found) = values(&path, array, 3) {
                assert_eq!(found, right, "{name}, byte {at}");
            }
        }
    }
}

#[test]
fn sizes_that_the_file_cannot_hold_are_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
        let path = changed(folder.path(), name, |bytes| bytes[4..8].copy_from_slice(&[0xff; 4]));
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains("the header promises 4294967295"), "{message}");
    }
    let longer = changed(folder.path(), "f8.npy", |bytes| bytes.push(0));
    let message = values(&longer, None, 1000).unwrap_err().to_string();
    assert!(message.contains("more bytes follow the 2 x 3 float64"), "{message}");
    let packed = changed(folder.path(), "stored.npz", |bytes| bytes.push(0));
    assert!(values(&packed, Some("x"), 9).is_ok(), "what follows an archive is not part of it");
    let named = folder.path().join("a.npz");
    std::fs::copy(fixture("f8.npy"), &named).unwrap();
    let message = open(&named).unwrap_err().to_string();
    assert!(message.contains("not a whole npz archive"), "{message}");
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_refused() {
    for name in ["/dev/zero", "/dev/null"] {
        let message = sniff(Path::new(name)).unwrap_err().to_string();
        assert!(message.contains("a device or a pipe"), "{message}");
    }
    let message = sniff(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err().to_string();
    assert!(message.contains("this is a folder"), "{message}");
}
