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
pub fn is_idx(start: &[u8]) -> bool {
    matches!(start, [0, 0, code, dimensions, ..] if element(*code).is_some() && (1..=DIMENSIONS).contains(dimensions))
}

fn element(code: u8) -> Option<Element> {
    Element::find(|facts| facts.idx == Some(code))
}

/// Reads the header; the data follow. Returns its length in bytes too.
///
/// # Errors
/// [`Error::Data`] for another format, an unknown type, or sizes that make no data set.
pub fn header(place: &str, reader: &mut impl Read) -> Result<(Layout, u64)> {
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
