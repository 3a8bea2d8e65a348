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
const BLOCK_BYTES: usize = 1 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: &[usize], values: &[f64]) -> Tensor {
        Tensor { name: name.into(), shape: shape.to_vec(), values: values.to_vec() }
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-4's example "abc", and the empty text.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of_bytes(b"abc"), abc);
        assert_eq!(of_values(&[]), empty);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(of_file(&path).unwrap(), (3, abc.to_string()));
        let long = "x".repeat(BLOCK_BYTES + 17);
        std::fs::write(&path, &long).unwrap();
        assert_eq!(of_file(&path).unwrap(), (long.len() as u64, of_bytes(long.as_bytes())), "more than a block");
        assert!(of_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_digest_of_weights_is_the_one_that_the_definition_gives() {
        // Python: hashlib.sha256 over the fields packed by struct, as the definition above says.
        let weights = [tensor("b", &[1], &[0.5]), tensor("a", &[1, 2], &[1.0, -2.0])];
        assert_eq!(of_tensors(&weights), "6fc3c61f2259fea69bd6bc8812c993b4e9b33b531c71ebd93833930d0ebec24c");
    }

    #[test]
    fn names_shapes_and_each_bit_count_and_the_order_in_the_file_does_not() {
        let weights = |name: &str, shape: &[usize], last: f64| {
            of_tensors(&[tensor(name, shape, &[1.0, last]), tensor("c", &[1], &[3.0])])
        };
        let base = weights("a", &[2], 2.0);
        assert_eq!(base, of_tensors(&[tensor("c", &[1], &[3.0]), tensor("a", &[2], &[1.0, 2.0])]));
        assert_eq!(base, weights("a", &[2], 2.0 + 2f64.powi(-30)), "rounded to f32 first");
        let others = [weights("b", &[2], 2.0), weights("a", &[1, 2], 2.0), weights("a", &[2], 2.0 + 2f64.powi(-22))];
        assert!(others.iter().all(|other| *other != base));
        assert_ne!(of_tensors(&[tensor("a", &[1], &[0.0])]), of_tensors(&[tensor("a", &[1], &[-0.0])]));
    }

    #[test]
    fn values_are_told_apart_by_one_bit_and_their_order() {
        assert_ne!(of_values(&[1.0, 2.0]), of_values(&[1.0, 2.0 + 2f64.powi(-22)]));
        assert_ne!(of_values(&[1.0, 2.0]), of_values(&[2.0, 1.0]));
        assert_ne!(of_values(&[0.0]), of_values(&[-0.0]));
        assert_eq!(of_values(&[0.1]), of_values(&[f64::from(0.1f32)]), "rounded to f32 first");
    }
}
