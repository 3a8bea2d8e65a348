//! The header of an IDX file, the format of MNIST.
//!
//! Two zero bytes, the type of the numbers, the number of dimensions, then each dimension's size as a 32-bit number;
//! everything has the highest byte first. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten
//! digits", section "The IDX file format".

use super::element::Element;
use super::layout::Layout;
use crate::error::{Error, Result};
use std::io::Read;

/// Dimensions at most. The format allows 255; numpy reads 64, and no data set has more than a handful.
const DIMENSIONS: u8 = 16;

/// True for bytes that begin an IDX file.
pub(super) fn is_idx(start: &[u8]) -> bool {
    matches!(start, [0, 0, code, dimensions, ..] if element(*code).is_some() && (1..=DIMENSIONS).contains(dimensions))
}

fn element(code: u8) -> Option<Element> {
    Some(match code {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        _ => return None,
    })
}

/// Reads the header; the data follow. Returns its length in bytes too.
///
/// # Errors
/// [`Error::Data`] for another format, an unknown type, or sizes that make no data set.
pub(super) fn header(place: &str, reader: &mut impl Read) -> Result<(Layout, u64)> {
    let wrong =
        |what: String| Error::data(place, format!("not an IDX file: {what}. Name an IDX file, such as MNIST's"));
    let short = |e: std::io::Error| wrong(format!("its header cannot be read ({e})"));
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(short)?;
    let [0, 0, code, dimensions] = magic else {
        return Err(wrong(format!("it begins with {magic:02x?}, not with two zeros")));
    };
    let Some(element) = element(code) else {
        return Err(wrong(format!("the type {code:#04x} is none of 08, 09, 0b, 0c, 0d, 0e")));
    };
    if !(1..=DIMENSIONS).contains(&dimensions) {
        return Err(wrong(format!("it has {dimensions} dimensions; 1 to {DIMENSIONS} are read")));
    }
    let mut shape = Vec::with_capacity(usize::from(dimensions));
    for _ in 0..dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(short)?;
        shape.push(u64::from(u32::from_be_bytes(size)));
    }
    let layout = Layout::new(place, element, true, &shape, false)?;
    Ok((layout, 4 + 4 * u64::from(dimensions)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
