//! The types that numbers have in array files.

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// A truth value, a byte: 0 is false, everything else is true.
    Bool,
    /// Whole numbers.
    I8,
    /// Unsigned.
    U8,
    /// 16 bits.
    I16,
    /// 16 bits, unsigned.
    U16,
    /// 32 bits.
    I32,
    /// 32 bits, unsigned.
    U32,
    /// 64 bits; beyond 2^53 the nearest `f64` is taken.
    I64,
    /// 64 bits, unsigned; likewise.
    U64,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    Bf16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Element {
    /// Bytes of one element.
    pub fn size_bytes(self) -> usize {
        match self {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 | Element::F16 | Element::Bf16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// The name that numpy gives the type.
    pub fn name(self) -> &'static str {
        match self {
            Element::Bool => "bool",
            Element::I8 => "int8",
            Element::U8 => "uint8",
            Element::I16 => "int16",
            Element::U16 => "uint16",
            Element::I32 => "int32",
            Element::U32 => "uint32",
            Element::I64 => "int64",
            Element::U64 => "uint64",
            Element::F16 => "float16",
            Element::Bf16 => "bfloat16",
            Element::F32 => "float32",
            Element::F64 => "float64",
        }
    }

    /// Appends the elements in `bytes` (a whole number of them) to `values`.
    pub fn decode(self, big_endian: bool, bytes: &[u8], values: &mut Vec<f64>) {
        /// Calls the type's own conversion for the byte order.
        macro_rules! numbers {
            ($type:ty, $to_f64:expr) => {{
                let chunks = bytes.as_chunks::<{ size_of::<$type>() }>().0;
                let read = if big_endian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
                values.extend(chunks.iter().map(|b| $to_f64(read(*b))));
            }};
        }
        match self {
            Element::Bool => values.extend(bytes.iter().map(|b| f64::from(u8::from(*b != 0)))),
            Element::I8 => numbers!(i8, f64::from),
            Element::U8 => values.extend(bytes.iter().map(|b| f64::from(*b))),
            Element::I16 => numbers!(i16, f64::from),
            Element::U16 => numbers!(u16, f64::from),
            Element::I32 => numbers!(i32, f64::from),
            Element::U32 => numbers!(u32, f64::from),
            Element::I64 => numbers!(i64, |v| v as f64),
            Element::U64 => numbers!(u64, |v| v as f64),
            Element::F16 => numbers!(u16, |bits| f64::from(float16(bits))),
            Element::Bf16 => numbers!(u16, |bits| f64::from(bfloat16(bits))),
            Element::F32 => numbers!(f32, f64::from),
            Element::F64 => numbers!(f64, |v: f64| v),
        }
    }
}

/// The number whose bits in IEEE 754's half precision are these.
pub fn float16(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10) & 31, f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// The number of which these are the first half of the bits in single precision.
pub fn bfloat16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
