//! Arrays of a safetensors file.

use super::element::Element;
use super::layout::Layout;
use super::{Array, Found, Store};
use crate::data::nearest::quoted_list;
use crate::error::{Error, Result};
use crate::nn::safetensors::Header;
use std::io::Read;

/// Reads the header of a file of `file_bytes`; arrays come in the order of the file. What makes no data set (a single
/// number, an empty tensor, a type that is no number) is left out.
///
/// # Errors
/// [`Error::Data`] for another format, or a header that does not fit the file.
pub fn arrays(place: &str, reader: &mut impl Read, file_bytes: u64) -> Result<Found> {
    let wrong = |what: String| {
        Error::data(
            place,
            format!("not a whole safetensors file: {what}. It is truncated, damaged or of another format"),
        )
    };
    let short = |e: std::io::Error| wrong(format!("its header cannot be read ({e})"));
    let mut length = [0; 8];
    reader.read_exact(&mut length).map_err(short)?;
    let length = Header::length(length, file_bytes).map_err(wrong)?;
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(short)?;
    let header = Header::parse(&header).map_err(wrong)?;
    let data = 8 + length;
    if data.checked_add(header.data_bytes() as u64) != Some(file_bytes) {
        return Err(wrong(format!(
            "its header promises {} bytes of data, the file has {}",
            header.data_bytes(),
            file_bytes - data
        )));
    }
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for (name, info) in header.tensors {
        let Some(element) = Element::find(|facts| facts.safetensors == info.dtype) else {
            left_out.push(format!("{name} has the type {}", info.dtype));
            continue;
        };
        let shape: Vec<u64> = info.shape.iter().map(|size| *size as u64).collect();
        match Layout::new(&format!("{place}, array {}", quoted_list(&[&name])), element, false, &shape, false) {
            Ok(layout) => {
                let store = Store::Plain { start: data + info.bytes().start as u64 };
                found.push(Array { name: Some(name), layout, store });
            }
            Err(why) => left_out.push(why.to_string()),
        }
    }
    Ok((found, left_out))
}
