//! SHA-256 digests: of weights, of other tensors, of files. Equal digests mean equal bits.
//!
//! The digest of weights is taken over the tensors in the order of their names, each as: name, type (`F32`), shape,
//! values. A text or the bytes of all values stand as their length in bytes and then themselves; a shape as the number
//! of its dimensions and then each of them; every such number as 8 bytes, all values little endian. So neither the file
//! that they lie in nor its metadata count, and any program can compute the same.

use super::Tensor;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// Bytes of a file that are read at a time: enough to keep the disk busy, little for the memory.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Takes in fields, each so marked that two different lists of fields never look the same.
#[derive(Default)]
pub struct Fields(Sha256);

impl Fields {
    /// No fields yet.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Takes in a number.
    pub fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_le_bytes());
    }

    /// Takes in bytes of any length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    /// Takes in a tensor; `data` are its values, little endian.
    pub fn tensor(&mut self, name: &str, dtype: &str, shape: &[usize], data: &[u8]) {
        self.bytes(name.as_bytes());
        self.bytes(dtype.as_bytes());
        self.number(shape.len());
        shape.iter().for_each(|size| self.number(*size));
        self.bytes(data);
    }

    /// The digest of all fields, 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn f32_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect()
}

/// The digest of weights, their values rounded to f32 as a weight file holds them.
pub fn of_tensors(tensors: &[Tensor]) -> String {
    let mut sorted: Vec<&Tensor> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut fields = Fields::new();
    for tensor in sorted {
        fields.tensor(&tensor.name, "F32", &tensor.shape, &f32_bytes(&tensor.values));
    }
    fields.finish()
}

/// The digest of the values' bits as f32, little endian, and nothing else: a short name for what a device computed.
pub fn of_values(values: &[f64]) -> String {
    // In blocks, because a second copy of a large tensor would be for nothing.
    let hash = values.chunks(BLOCK_BYTES / 4).fold(Sha256::new(), |hash, part| hash.chain_update(f32_bytes(part)));
    hex(&hash.finalize())
}

/// The digest of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The size in bytes and the digest of a file's content, as `sha256sum` prints it; read in blocks.
///
/// # Errors
/// [`Error::Io`].
pub fn of_file(path: &Path) -> Result<(u64, String)> {
    let failed = |e| Error::io(path, e);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        // It may have no end, and it would not be the same when it is read again.
        return Err(failed(std::io::Error::other("this is no file, but a device, a pipe or a folder")));
    }
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((size_bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&block[..count]);
                size_bytes += count as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
}
