//! Headers of IDX files.

use wgrad::Result;
use wgrad::testing::data::arrays::Layout;
use wgrad::testing::data::arrays::idx::header;

fn read(bytes: &[u8]) -> Result<(Layout, u64)> {
    header("a-idx3-ubyte", &mut &*bytes)
}

#[test]
fn the_header_of_mnist_is_read() {
    let (layout, length) = read(&[0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28, 99]).unwrap();
    assert_eq!(layout.describe(), "60000 x 28 x 28 uint8");
    assert_eq!((layout.width(), length), (784, 16));
}

#[test]
fn other_bytes_are_refused() {
    for (bytes, expected) in [
        (&b"a,b\n1,2\n"[..], "begins with [61, 2c, 62, 0a]"),
        (&[0, 0, 7, 1, 0, 0, 0, 1], "type 0x07"),
        (&[0, 0, 8, 0], "0 dimensions"),
        (&[0, 0, 8, 255], "255 dimensions"),
        (&[0, 0, 8, 3, 0, 0], "cannot be read"),
        (&[0, 0], "cannot be read"),
        (&[0, 0, 8, 1, 0, 0, 0, 0], "is empty"),
    ] {
        let message = read(bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{bytes:?}: {message}");
    }
}
