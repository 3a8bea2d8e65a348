//! The safetensors format: the length of a header, the header in JSON with name, type, shape and place of each tensor, and all
//! numbers. The crate of this name brings a hash map, whose order changes from run to run, and three crates for it.

use crate::error::Error;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a header at most, as the format says.
const HEADER_BYTES: u64 = 100_000_000;
const METADATA: &str = "__metadata__";

/// A tensor as the header has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// `F32`, `I64`, ...
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where its numbers begin and end, counted from the end of the header.
    data_offsets: [usize; 2],
}

impl Entry {
    /// Where its numbers lie, counted from the end of the header.
    pub fn bytes(&self) -> Range<usize> {
        self.data_offsets[0]..self.data_offsets[1]
    }

    /// Bytes that type and shape take; `None` where the type is unknown or there is no such size.
    fn size_bytes(&self) -> Option<usize> {
        let elements = self.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
        let bits = elements.checked_mul(bits(&self.dtype)?)?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}

fn bits(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

/// What the header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
    /// The tensors with their names, in the order of their numbers.
    pub tensors: Vec<(String, Entry)>,
}

#[derive(Deserialize)]
struct Json {
    #[serde(rename = "__metadata__", default)]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    tensors: BTreeMap<String, Entry>,
}

impl Header {
    /// Parses the header's text. The tensors must follow one another without a gap, each as long as type and shape say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Header, String> {
        let found: Json = serde_json::from_slice(text).map_err(|e| format!("its header is wrong ({e})"))?;
        let mut tensors: Vec<(String, Entry)> = found.tensors.into_iter().collect();
        tensors.sort_by_key(|(_, entry)| entry.data_offsets);
        let mut end = 0;
        for (name, entry) in &tensors {
            let Range { start, end: next } = entry.bytes();
            let size = entry.size_bytes().ok_or_else(|| format!("{name} is {} {:?}", entry.dtype, entry.shape))?;
            if start != end || next.checked_sub(start) != Some(size) {
                return Err(format!("{name} takes {size} bytes, its place is {start} to {next} after {end}"));
            }
            end = next;
        }
        Ok(Header { metadata: found.metadata.unwrap_or_default(), tensors })
    }

    /// Bytes of all tensors.
    pub fn data_bytes(&self) -> usize {
        self.tensors.last().map_or(0, |(_, entry)| entry.data_offsets[1])
    }

    /// The header's length, in the first 8 bytes of a file of `file_bytes`.
    ///
    /// # Errors
    /// Where the file cannot have such a header.
    pub fn length(start: [u8; 8], file_bytes: u64) -> Result<u64, String> {
        let length = u64::from_le_bytes(start);
        if length > HEADER_BYTES || length > file_bytes.saturating_sub(8) {
            return Err(format!("its header says to be {length} bytes long, the file has {file_bytes} bytes"));
        }
        Ok(length)
    }
}

/// A tensor in a file.
#[derive(Debug, Clone, Copy)]
pub struct View<'b> {
    /// `F32`, `I64`, ...
    pub dtype: &'b str,
    /// Its shape.
    pub shape: &'b [usize],
    /// Its numbers, little endian, without an alignment to rely on.
    pub data: &'b [u8],
}

/// A whole file in memory.
#[derive(Debug)]
pub struct File<'b> {
    header: Header,
    data: &'b [u8],
}

impl<'b> File<'b> {
    /// Parses the bytes of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &'b [u8]) -> Result<File<'b>, String> {
        let (start, rest) = bytes.split_first_chunk().ok_or("it has no header")?;
        let (text, data) = rest.split_at(Header::length(*start, bytes.len() as u64)? as usize);
        let header = Header::parse(text)?;
        if header.data_bytes() != data.len() {
            let promised = header.data_bytes();
            return Err(format!("its header promises {promised} bytes of data, the file has {}", data.len()));
        }
        Ok(File { header, data })
    }

    /// Texts by name.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// The tensors with their names.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, View<'_>)> {
        self.header.tensors.iter().map(|(name, entry)| (name.as_str(), self.view(entry)))
    }

    /// The tensor `name`.
    pub fn tensor(&self, name: &str) -> Option<View<'_>> {
        self.header.tensors.iter().find(|(known, _)| known == name).map(|(_, entry)| self.view(entry))
    }

    fn view<'a>(&'a self, entry: &'a Entry) -> View<'a> {
        View { dtype: &entry.dtype, shape: &entry.shape, data: &self.data[entry.bytes()] }
    }
}

/// The position of the value `i` of a row-major tensor: `[row, column]`.
pub fn index_text(shape: &[usize], i: usize) -> String {
    let (mut rest, mut index) = (i, vec![0; shape.len()]);
    for (at, &size) in index.iter_mut().zip(shape).rev() {
        *at = rest % size.max(1);
        rest /= size.max(1);
    }
    format!("{index:?}")
}

/// Writes a file; equal content gives equal bytes.
#[derive(Debug, Default)]
pub struct Writer {
    header: Map<String, Value>,
    data: Vec<u8>,
}

impl Writer {
    /// A file with `metadata` and no tensor yet.
    pub fn new(metadata: &BTreeMap<String, String>) -> Writer {
        let mut header = Map::new();
        if !metadata.is_empty() {
            header.insert(METADATA.to_owned(), json!(metadata));
        }
        Writer { header, data: Vec::new() }
    }

    /// Adds a tensor, whose numbers `append` puts behind those that are there.
    ///
    /// # Errors
    /// As `append`; [`Error::Internal`] for a name that is there already.
    pub fn add(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        append: impl FnOnce(&mut Vec<u8>) -> crate::error::Result<()>,
    ) -> crate::error::Result<()> {
        let start = self.data.len();
        append(&mut self.data)?;
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, self.data.len()] });
        match self.header.insert(name.to_owned(), entry) {
            Some(_) => Err(Error::Internal(format!("two tensors are named {name}"))),
            None => Ok(()),
        }
    }

    /// The bytes of the file.
    pub fn finish(self) -> Vec<u8> {
        let mut header = Value::Object(self.header).to_string();
        // The format pads the header with spaces, so that the data starts at a multiple of 8 bytes.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        let mut bytes = Vec::with_capacity(8 + header.len() + self.data.len());
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&self.data);
        bytes
    }
}
