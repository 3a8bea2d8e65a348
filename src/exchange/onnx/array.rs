//! `TensorProto`: the constants of an ONNX file.

use super::schema::{integer, text};
use crate::data::{bfloat16, float16};
use crate::exchange::protobuf::{Broken, Field, Fields, Writer, fixed, integers};

/// `TensorProto`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Array {
    /// Its name.
    pub name: String,
    /// Its shape; none for a scalar.
    pub dims: Vec<usize>,
    /// Its numbers.
    pub data: Numbers,
}

/// The numbers of an [`Array`].
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Single precision, and whatever it holds without loss.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Whole numbers.
    I64(Vec<i64>),
    /// None that can be read: why.
    Unread(String),
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers::F32(Vec::new())
    }
}

impl Numbers {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Numbers::F32(v) => v.len(),
            Numbers::F64(v) => v.len(),
            Numbers::I64(v) => v.len(),
            Numbers::Unread(_) => 0,
        }
    }
}

/// `TensorProto.DataType`
pub(super) const FLOAT: i64 = 1;
const INT32: i64 = 6;
const INT64: i64 = 7;
const BOOL: i64 = 9;
const FLOAT16: i64 = 10;
pub(super) const DOUBLE: i64 = 11;
const BFLOAT16: i64 = 16;

/// What a tensor's message states, before it is known of which type it is.
#[derive(Default)]
struct Raw<'a> {
    dims: Vec<i64>,
    data_type: i64,
    floats: Vec<f32>,
    integers: Vec<i64>,
    doubles: Vec<f64>,
    bytes: &'a [u8],
    external: bool,
}

impl Array {
    pub(super) fn decode(fields: Fields<'_>) -> Result<Array, Broken> {
        let (mut raw, mut name) = (Raw::default(), String::new());
        for field in fields {
            let (number, value) = field?;
            match number {
                1 => integers(value, &mut raw.dims)?,
                2 => raw.data_type = integer(value),
                4 => fixed(value, f32::from_le_bytes, &mut raw.floats)?,
                5 | 7 => integers(value, &mut raw.integers)?,
                8 => name = text(value),
                9 => raw.bytes = if let Field::Bytes(bytes) = value { bytes } else { &[] },
                10 => fixed(value, f64::from_le_bytes, &mut raw.doubles)?,
                13 => raw.external = true,
                14 => raw.external = integer(value) == 1,
                _ => {}
            }
        }
        let dims = raw.dims.iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX)).collect::<Vec<_>>();
        let data = raw.numbers(&dims);
        Ok(Array { name, dims, data })
    }

    pub(super) fn encode(&self) -> Writer {
        let (data_type, bytes): (i64, Vec<u8>) = match &self.data {
            Numbers::F32(v) => (FLOAT, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Numbers::F64(v) => (DOUBLE, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Numbers::I64(v) => (INT64, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Numbers::Unread(_) => (0, Vec::new()),
        };
        let tensor = Writer::default().each(&self.dims, |tensor, dim| tensor.int(1, *dim as i64));
        tensor.int(2, data_type).text(8, &self.name).bytes(9, &bytes)
    }
}

/// The numbers of `N` bytes each that `bytes` hold.
pub(crate) fn chunks<T, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

impl Raw<'_> {
    fn numbers(self, dims: &[usize]) -> Numbers {
        if self.external {
            let why = "its numbers lie in another file. Save the model with its weights inside".to_owned();
            return Numbers::Unread(why);
        }
        let bytes = self.bytes;
        let data = match self.data_type {
            FLOAT if self.floats.is_empty() => Numbers::F32(chunks(bytes, f32::from_le_bytes)),
            FLOAT => Numbers::F32(self.floats),
            FLOAT16 if self.integers.is_empty() => Numbers::F32(chunks(bytes, |b| float16(u16::from_le_bytes(b)))),
            FLOAT16 => Numbers::F32(self.integers.iter().map(|&h| float16(h as u16)).collect()),
            BFLOAT16 if self.integers.is_empty() => Numbers::F32(chunks(bytes, |b| bfloat16(u16::from_le_bytes(b)))),
            BFLOAT16 => Numbers::F32(self.integers.iter().map(|&h| bfloat16(h as u16)).collect()),
            DOUBLE if self.doubles.is_empty() => Numbers::F64(chunks(bytes, f64::from_le_bytes)),
            DOUBLE => Numbers::F64(self.doubles),
            INT64 if self.integers.is_empty() => Numbers::I64(chunks(bytes, i64::from_le_bytes)),
            INT32 if self.integers.is_empty() => Numbers::I64(chunks(bytes, |b| i64::from(i32::from_le_bytes(b)))),
            // A byte each, 0 or 1.
            BOOL if self.integers.is_empty() => Numbers::I64(bytes.iter().map(|b| i64::from(*b)).collect()),
            INT64 | INT32 | BOOL => Numbers::I64(self.integers),
            other => return Numbers::Unread(format!("its numbers have ONNX's type {other}, expected float")),
        };
        let expected = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
        if expected != Some(data.len()) {
            return Numbers::Unread(format!("it has {} numbers for the shape {dims:?}", data.len()));
        }
        data
    }
}
