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

/// What is known of a type.
pub(super) struct Facts {
    bytes: usize,
    /// The name that numpy gives it.
    name: &'static str,
    /// In the `descr` of an npy file, behind the byte order.
    pub npy: Option<&'static str>,
    pub safetensors: &'static str,
    pub idx: Option<u8>,
}

impl Element {
    const ALL: [Element; 13] = {
        use Element::{Bf16, Bool, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        [Bool, I8, U8, I16, U16, I32, U32, I64, U64, F16, Bf16, F32, F64]
    };

    fn facts(self) -> Facts {
        let (bytes, name, npy, safetensors, idx) = match self {
            Element::Bool => (1, "bool", Some("b1"), "BOOL", None),
            Element::I8 => (1, "int8", Some("i1"), "I8", Some(0x09)),
            Element::U8 => (1, "uint8", Some("u1"), "U8", Some(0x08)),
            Element::I16 => (2, "int16", Some("i2"), "I16", Some(0x0b)),
            Element::U16 => (2, "uint16", Some("u2"), "U16", None),
            Element::I32 => (4, "int32", Some("i4"), "I32", Some(0x0c)),
            Element::U32 => (4, "uint32", Some("u4"), "U32", None),
            Element::I64 => (8, "int64", Some("i8"), "I64", None),
            Element::U64 => (8, "uint64", Some("u8"), "U64", None),
            Element::F16 => (2, "float16", Some("f2"), "F16", None),
            Element::Bf16 => (2, "bfloat16", None, "BF16", None),
            Element::F32 => (4, "float32", Some("f4"), "F32", Some(0x0d)),
            Element::F64 => (8, "float64", Some("f8"), "F64", Some(0x0e)),
        };
        Facts { bytes, name, npy, safetensors, idx }
    }

    /// The type of which this is so, if there is one.
    pub(super) fn find(is: impl Fn(Facts) -> bool) -> Option<Element> {
        Element::ALL.into_iter().find(|element| is(element.facts()))
    }

    /// Bytes of one element.
    pub fn size_bytes(self) -> usize {
        self.facts().bytes
    }

    /// The name that numpy gives the type.
    pub fn name(self) -> &'static str {
        self.facts().name
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
