//! The format of a data file.

use wgrad::data::{Kind, sniff};

#[test]
fn extension_and_content_tell_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        sniff(&path).unwrap().0
    };
    // Where the extension says nothing, the content of an npy file does.
    for (name, expected) in [
        ("train-images-idx3-ubyte.gz", Kind::Idx),
        ("t10k-labels-idx1-ubyte", Kind::Idx),
        ("a.parquet", Kind::Parquet),
        ("a.npz", Kind::Npz),
        ("a.tsv.gz", Kind::Csv),
        ("a.gz", Kind::Npy),
        ("a", Kind::Npy),
    ] {
        assert_eq!(of(name, b"\x93NUMPY\x01\0"), expected, "{name}");
    }
    assert_eq!(of("A.NPY", b""), Kind::Npy);
    for (content, expected) in [
        (&b"\x93NUMPY\x01\0"[..], Kind::Npy),
        (b"PK\x03\x04aaaa", Kind::Npz),
        (b"PAR1\x15\0", Kind::Parquet),
        (b"\0\0\x08\x03\0\0\0\0", Kind::Idx),
        (b"\x10\0\0\0\0\0\0\0{\"x\"", Kind::Safetensors),
        (b"a,b\n1,2\n", Kind::Csv),
        (b"", Kind::Csv),
    ] {
        assert_eq!(of("data", content), expected, "{content:?}");
    }
}
