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
    pub fn int(&mut self, number: u64, value: i64) -> &mut Writer {
        self.raw_varint(number << 3);
        // Negative numbers are written as their 64 bits, as int64 is.
        self.raw_varint(value as u64);
        self
    }

    /// A float.
    pub fn float(&mut self, number: u64, value: f32) -> &mut Writer {
        self.raw_varint(number << 3 | 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A double.
    pub fn double(&mut self, number: u64, value: f64) -> &mut Writer {
        self.raw_varint(number << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A packed list of doubles.
    pub fn doubles(&mut self, number: u64, values: impl Iterator<Item = f64>) -> &mut Writer {
        self.bytes(number, &values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())
    }

    /// Bytes or text.
    pub fn bytes(&mut self, number: u64, value: &[u8]) -> &mut Writer {
        self.raw_varint(number << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    /// Text.
    pub fn text(&mut self, number: u64, value: &str) -> &mut Writer {
        self.bytes(number, value.as_bytes())
    }

    /// A message within this one.
    pub fn message(&mut self, number: u64, message: Writer) -> &mut Writer {
        self.bytes(number, &message.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_format_s_own_page() {
        // https://protobuf.dev/programming-guides/encoding: a = 150, b = "testing", a message { a = 150 } in field 3.
        let mut inner = Writer::default();
        inner.int(1, 150);
        let mut writer = Writer::default();
        writer.int(1, 150).text(2, "testing").message(3, inner);
        let bytes = writer.finish();
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
            let mut writer = Writer::default();
            writer.int(16, value).float(1, -0.0).double(2, 0.5).doubles(3, [1.0, -2.0].into_iter());
            let bytes = writer.finish();
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
}
