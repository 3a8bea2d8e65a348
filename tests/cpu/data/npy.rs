//! Headers of npy files.

use wgrad::Result;
use wgrad::testing::data::arrays::Layout;
use wgrad::testing::data::arrays::npy::header;

fn read(text: &str) -> Result<(Layout, u64)> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    header("a.npy", &mut &*bytes)
}

#[test]
fn headers_of_numpy_are_read() {
    let (layout, length) = read("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n").unwrap();
    assert_eq!((layout.describe().as_str(), layout.big_endian, layout.fortran), ("3 x 4 float64", false, false));
    assert_eq!(length, 10 + 63);
    let (layout, _) = read("{\"shape\":(5L,),\"descr\":\">i2\",\"fortran_order\":True}").unwrap();
    assert_eq!((layout.describe().as_str(), layout.big_endian, layout.fortran), ("5 int16", true, true));
    assert_eq!(read("{'descr': '|b1', 'fortran_order': False, 'shape': (2,1)}").unwrap().0.describe(), "2 x 1 bool");
}

#[test]
fn other_headers_are_refused() {
    let with = |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    for (text, expected) in [
        (with("'<U5'", "(3,)"), "numpy.unique"),
        (with("'|O'", "(3,)"), "dtype |O"),
        (with("'<c8'", "(3,)"), "astype"),
        (with("'|f8'", "(3,)"), "dtype |f8"),
        (with("[('a', '<f8'), ('b', '<f8')]", "(3,)"), "dtype [('a', '<f8'), ('b', '<f8')]"),
        (with("'<f8'", "()"), "a single number"),
        (with("'<f8'", "(3, -1)"), "not understood"),
        (with("'<f8'", "(99999999999999999999,)"), "not understood"),
        (with("'<f8'", "(3"), "not understood"),
        (with("'<f8'", "(3,)") + "x", "not understood"),
        ("{'descr': '<f8', }".into(), "lacks"),
        ("{'a': 1}".into(), "not understood"),
        ("((((((((".into(), "not understood"),
        (String::new(), "not understood"),
        ("é".repeat(300), "not understood"),
    ] {
        let message = read(&text).unwrap_err().to_string();
        assert!(message.starts_with("a.npy: ") && message.contains(expected), "{text}: {message}");
    }
    let long = [b"\x93NUMPY\x02\x00".as_slice(), &[0xff; 4], &[b' '; 100]].concat();
    let message = header("a.npy", &mut &*long).unwrap_err().to_string();
    assert!(message.contains("4294967295 bytes long"), "{message}");
    assert!(header("a.npy", &mut &b"\x93NUMPY\x04\x00"[..]).is_err());
    assert!(header("a.npy", &mut &b"a,b,c,d,e,f\n"[..]).is_err());
}
