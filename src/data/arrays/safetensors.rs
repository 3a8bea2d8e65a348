//! Arrays of a safetensors file.

use super::element::Element;
use super::layout::Layout;
use crate::data::nearest::quoted_list;
use crate::error::{Error, Result};
use crate::model::safetensors::Header;
use std::io::Read;

/// One array: its name, its layout and where it begins in the file.
pub(super) struct Tensor {
    pub name: String,
    pub layout: Layout,
    pub start: u64,
}

/// Reads the header of a file of `file_bytes`; arrays come in the order of the file. What makes no data set (a single
/// number, an empty tensor, a type that is no number) is left out: `left_out` says so, for the case that it is asked for.
///
/// # Errors
/// [`Error::Data`] for another format, or a header that does not fit the file.
pub(super) fn tensors(place: &str, reader: &mut impl Read, file_bytes: u64) -> Result<(Vec<Tensor>, Vec<String>)> {
    let wrong = |what: String| {
        Error::data(
            place,
            format!("not a whole safetensors file: {what}. It is truncated, damaged or of another format"),
        )
    };
    let mut length = [0; 8];
    reader.read_exact(&mut length).map_err(|e| wrong(format!("its header cannot be read ({e})")))?;
    let length = Header::length(length, file_bytes).map_err(wrong)?;
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(|e| wrong(format!("its header cannot be read ({e})")))?;
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
        let Some(element) = element(&info.dtype) else {
            left_out.push(format!("{name} has the type {}", info.dtype));
            continue;
        };
        let shape: Vec<u64> = info.shape.iter().map(|size| *size as u64).collect();
        match Layout::new(&format!("{place}, array {}", quoted_list(&[&name])), element, false, &shape, false) {
            Ok(layout) => found.push(Tensor { name, layout, start: data + info.bytes().start as u64 }),
            Err(why) => left_out.push(why.to_string()),
        }
    }
    Ok((found, left_out))
}

fn element(dtype: &str) -> Option<Element> {
    Some(match dtype {
        "BOOL" => Element::Bool,
        "I8" => Element::I8,
        "U8" => Element::U8,
        "I16" => Element::I16,
        "U16" => Element::U16,
        "I32" => Element::I32,
        "U32" => Element::U32,
        "I64" => Element::I64,
        "U64" => Element::U64,
        "F16" => Element::F16,
        "BF16" => Element::Bf16,
        "F32" => Element::F32,
        "F64" => Element::F64,
        _ => return None,
    })
}
