//! The wire format of protocol buffers.

use wgrad::testing::exchange::protobuf::{Broken, Field, Fields, Writer, integers};

#[test]
fn the_examples_of_the_format_s_own_page() {
    // https://protobuf.dev/programming-guides/encoding: a = 150, b = "testing", a message { a = 150 } in field 3.
    let inner = Writer::default().int(1, 150);
    let bytes = Writer::default().int(1, 150).text(2, "testing").message(3, inner).finish();
    assert_eq!(bytes, b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01");
    let fields: Result<Vec<_>, _> = Fields::new(&bytes).collect();
    let inner: &[u8] = b"\x08\x96\x01";
    assert_eq!(fields, Ok(vec![(1, Field::Varint(150)), (2, Field::Bytes(b"testing")), (3, Field::Bytes(inner))]));
    let mut packed = Vec::new();
    integers(Field::Bytes(b"\x03\x8e\x02\x9e\xa7\x05"), &mut packed).unwrap();
    assert_eq!(packed, [3, 270, 86942]);
}

#[test]
fn numbers_come_back_to_the_bit() {
    for value in [0, 1, -1, 127, 128, i64::MAX, i64::MIN] {
        let writer = Writer::default().int(16, value).float(1, -0.0).double(2, 0.5);
        let bytes = writer.doubles(3, [1.0, -2.0].into_iter()).finish();
        let fields: Vec<_> = Fields::new(&bytes).map(Result::unwrap).collect();
        let doubles = [1.0_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat();
        assert_eq!(
            fields,
            [
                (16, Field::Varint(value as u64)),
                (1, Field::Fixed32(0x8000_0000)),
                (2, Field::Fixed64(0.5_f64.to_bits())),
                (3, Field::Bytes(&doubles))
            ]
        );
    }
}

#[test]
fn broken_messages_are_refused_where_they_break() {
    for (bytes, fault) in [
        (&b"\x08"[..], Broken::Truncated),
        (b"\x12\x08testing", Broken::Truncated),
        (b"\x0d\0\0\0", Broken::Truncated),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Broken::Truncated),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Broken::Varint),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Broken::Varint),
        (b"\x0b", Broken::WireType(3)),
        (b"\x00\x01", Broken::WireType(0)),
    ] {
        assert_eq!(Fields::new(bytes).collect::<Result<Vec<_>, _>>(), Err(fault), "{bytes:x?}");
    }
}
