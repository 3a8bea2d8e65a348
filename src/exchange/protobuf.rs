//! The protobuf wire format (protobuf.dev, "Encoding"): fields of a message as number, type and value.
//!
//! Code generated from a schema would need `protoc` or a build script; ONNX and TensorBoard's event files need two dozen messages,
//! and this is all there is to the format. The reader borrows and never recurses, so that a hostile file costs no more than its own bytes.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// Wire type 0: integers, truth values, enumerations.
    Varint(u64),
    /// Wire type 1: eight bytes.
    Fixed64(u64),
    /// Wire type 2: text, bytes, messages, packed lists.
    Bytes(&'a [u8]),
    /// Wire type 5: four bytes.
    Fixed32(u32),
}

/// What is wrong with bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A value goes on behind the end of its message.
    #[error("a field ends behind the end of its message")]
    Truncated,
    /// A varint of more than ten bytes.
    #[error("a number has more than 64 bits")]
    Varint,
    /// Wire types 3 and 4 (groups, which no schema of today has), 6 and 7; the field number 0.
    #[error("a field has the type {0}, which protobuf does not have")]
    WireType(u8),
}

/// The fields of a message, one after the other.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of the message `bytes`.
    pub fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Broken::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Broken::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Seven bits a byte, the lowest first; the highest bit says that another byte follows.
    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Broken::Varint);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken::Varint)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Broken> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            _ if tag < 8 => return Err(Broken::WireType((tag & 7) as u8)),
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Broken::Truncated)?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(Broken::WireType(other as u8)),
        };
        Ok((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    /// Number and value. After a fault the message ends.
    type Item = Result<(u64, Field<'a>), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// The integers of a repeated field: one by itself, or packed into bytes.
///
/// # Errors
/// [`Broken`]; a value of another type is none at all.
pub fn integers(field: Field<'_>, into: &mut Vec<i64>) -> Result<(), Broken> {
    match field {
        Field::Varint(value) => into.push(value as i64),
        Field::Bytes(bytes) => {
            let mut packed = Fields::new(bytes);
            while !packed.rest.is_empty() {
                into.push(packed.varint()? as i64);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The numbers of `N` bytes each of a repeated field: one by itself, or packed into bytes.
///
/// # Errors
/// [`Broken`]; a value of another type is none at all.
pub fn fixed<T, const N: usize>(field: Field<'_>, number: fn([u8; N]) -> T, into: &mut Vec<T>) -> Result<(), Broken> {
    let (four, eight);
    let bytes: &[u8] = match field {
        Field::Fixed32(bits) if N == 4 => {
            four = bits.to_le_bytes();
            &four
        }
        Field::Fixed64(bits) if N == 8 => {
            eight = bits.to_le_bytes();
            &eight
        }
        Field::Bytes(bytes) => bytes,
        _ => &[],
    };
    let (whole, rest) = bytes.as_chunks::<N>();
    into.extend(whole.iter().map(|bytes| number(*bytes)));
    if rest.is_empty() { Ok(()) } else { Err(Broken::Truncated) }
}

/// A message under writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// An integer, a truth value or an enumeration.
    pub fn int(mut self, number: u64, value: i64) -> Writer {
        self.raw_varint(number << 3);
        // Negative numbers are written as their 64 bits, as int64 is.
        self.raw_varint(value as u64);
        self
    }

    /// A float.
    pub fn float(mut self, number: u64, value: f32) -> Writer {
        self.raw_varint(number << 3 | 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A double.
    pub fn double(mut self, number: u64, value: f64) -> Writer {
        self.raw_varint(number << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A packed list of doubles.
    pub fn doubles(self, number: u64, values: impl Iterator<Item = f64>) -> Writer {
        self.bytes(number, &values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())
    }

    /// Bytes or text.
    pub fn bytes(mut self, number: u64, value: &[u8]) -> Writer {
        self.raw_varint(number << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Text.
    pub fn text(self, number: u64, value: &str) -> Writer {
        self.bytes(number, value.as_bytes())
    }

    /// A message within this one.
    pub fn message(self, number: u64, message: Writer) -> Writer {
        self.bytes(number, &message.bytes)
    }

    /// A field for each of `values`, which `write` appends.
    pub fn each<T>(self, values: impl IntoIterator<Item = T>, write: impl FnMut(Writer, T) -> Writer) -> Writer {
        values.into_iter().fold(self, write)
    }
}
