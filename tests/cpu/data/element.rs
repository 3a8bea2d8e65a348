//! The types of numbers in array files.

use wgrad::data::{bfloat16, float16};
use wgrad::testing::data::arrays::element::Element;

fn decoded(element: Element, big_endian: bool, bytes: &[u8]) -> Vec<f64> {
    let mut values = Vec::new();
    element.decode(big_endian, bytes, &mut values);
    values
}

/// Bits and numbers of IEEE 754-2019: the least and the largest subnormal and normal number, infinity, zero with a sign.
#[test]
fn halves_are_those_of_the_standard() {
    let least = 2f32.powi(-24);
    for (bits, value) in [
        (0x0001, least),
        (0x03ff, 1023.0 * least),
        (0x0400, 1024.0 * least),
        (0x3555, 0.333_251_95),
        (0x7bff, 65504.0),
        (0x7c00, f32::INFINITY),
        (0x8000, -0.0),
        (0xfbff, -65504.0),
    ] {
        assert_eq!(float16(bits).to_bits(), value.to_bits(), "{bits:#06x}");
    }
    assert!(float16(0x7c01).is_nan() && bfloat16(0x7fc0).is_nan());
}

#[test]
fn both_byte_orders_give_the_same_numbers() {
    assert_eq!(decoded(Element::I16, false, &[0xfe, 0xff, 2, 0]), [-2.0, 2.0]);
    assert_eq!(decoded(Element::I16, true, &[0xff, 0xfe, 0, 2]), [-2.0, 2.0]);
    assert_eq!(decoded(Element::U32, false, &u32::MAX.to_le_bytes()), [4_294_967_295.0]);
    assert_eq!(decoded(Element::U64, true, &7u64.to_be_bytes()), [7.0]);
    assert_eq!(decoded(Element::I64, true, &(-7i64).to_be_bytes()), [-7.0]);
    assert_eq!(decoded(Element::F32, true, &1.5f32.to_be_bytes()), [1.5]);
    assert_eq!(decoded(Element::F64, false, &(-0.1f64).to_le_bytes()), [-0.1]);
    assert_eq!(decoded(Element::F16, false, &[0, 0x3e, 0, 0xc0]), [1.5, -2.0]);
    assert_eq!(decoded(Element::Bf16, false, &[0xc0, 0x3f]), [1.5]);
    assert_eq!(decoded(Element::Bool, false, &[0, 1, 2]), [0.0, 1.0, 1.0]);
    assert_eq!(decoded(Element::I8, true, &[0x80, 0x7f]), [-128.0, 127.0]);
}
