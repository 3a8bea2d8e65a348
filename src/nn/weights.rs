//! Weight files in the safetensors format, which PyTorch and others load as they are.

use super::safetensors::{File, View, Writer, index_text};
use super::{digest, disk};
use crate::data::read_whole;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

pub use super::init::Tensor;

/// How numbers are stored in a weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits, as networks train.
    F32,
    /// 64 bits, for gradients that were computed in f64.
    F64,
}

impl Precision {
    fn dtype(self) -> &'static str {
        match self {
            Precision::F32 => "F32",
            Precision::F64 => "F64",
        }
    }

    fn size_bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }
}

/// Writes `tensors` to `path`, in their order; `metadata` goes into the header. Equal content gives equal bytes.
///
/// The file is whole at every moment: it is written under a temporary name, flushed to the disk, then renamed.
///
/// # Errors
///
/// [`Error::Weights`] where a value is not finite in `precision` (the file at `path` stays as it was); [`Error::Io`]
/// where the folder cannot be written.
pub fn save(path: &Path, tensors: &[Tensor], precision: Precision, metadata: &BTreeMap<String, String>) -> Result<()> {
    write_atomically(path, &encode(path, tensors, precision, metadata)?)
}

/// The bytes of a weight file, for `path` in messages.
///
/// # Errors
///
/// As [`save`].
pub fn encode(
    path: &Path,
    tensors: &[Tensor],
    precision: Precision,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let mut writer = Writer::new(metadata);
    for tensor in tensors {
        let append = |data: &mut Vec<u8>| append_values(path, tensor, precision, data);
        writer.add(&tensor.name, precision.dtype(), &tensor.shape, append)?;
    }
    Ok(writer.finish())
}

fn append_values(path: &Path, tensor: &Tensor, precision: Precision, data: &mut Vec<u8>) -> Result<()> {
    if tensor.shape.iter().product::<usize>() != tensor.values.len() {
        return Err(Error::Internal(format!(
            "the tensor {} has {} values for the shape {:?}",
            tensor.name,
            tensor.values.len(),
            tensor.shape
        )));
    }
    data.reserve(tensor.values.len() * precision.size_bytes());
    for (i, &value) in tensor.values.iter().enumerate() {
        match precision {
            Precision::F32 if (value as f32).is_finite() => data.extend_from_slice(&(value as f32).to_le_bytes()),
            Precision::F64 if value.is_finite() => data.extend_from_slice(&value.to_le_bytes()),
            _ => {
                let at = index_text(&tensor.shape, i);
                let why = format!(
                    "not written: {} is {value} at {at}, which is not a finite number in {}. Lower the learning rate or scale \
                     the inputs",
                    tensor.name,
                    precision.dtype()
                );
                return Err(Error::weights(path, why));
            }
        }
    }
    Ok(())
}

/// Replaces the file at `path` by `bytes`, as [`disk::replace`] does.
///
/// # Errors
///
/// [`Error::Io`]; the file at `path` stays as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    disk::replace(&disk::SystemDisk, path, bytes)
}

/// Reads the tensors `expected` (names and shapes) from `path`, in that order. F64 tensors are taken where `allow_f64`.
///
/// # Errors
///
/// [`Error::Io`] where the file cannot be read; [`Error::Weights`] where it is truncated or corrupt, lacks a tensor, has
/// one too many, or has one of another shape, of another type, or with a value that is not finite.
pub fn load(path: &Path, expected: &[(String, Vec<usize>)], allow_f64: bool) -> Result<Vec<Tensor>> {
    Ok(decode(path, &read(path, expected)?, expected, allow_f64)?.0)
}

/// The bytes of the weight file `path`, which is to hold the tensors `expected`.
///
/// # Errors
///
/// [`Error::Weights`] where there is none; [`Error::Io`], also for a file far larger than those tensors.
pub fn read(path: &Path, expected: &[(String, Vec<usize>)]) -> Result<Vec<u8>> {
    read_up_to(path, most_bytes(expected))
}

fn read_up_to(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    read_whole(path, limit_bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::weights(path, "there is no such weight file. Write one with `wgrad init` or `wgrad train`")
        }
        _ => Error::io(path, e),
    })
}

/// The tensors `expected` and the metadata in the bytes of a weight file, which `path` names in messages.
///
/// # Errors
///
/// As [`load`].
pub fn decode(
    path: &Path,
    bytes: &[u8],
    expected: &[(String, Vec<usize>)],
    allow_f64: bool,
) -> Result<(Vec<Tensor>, BTreeMap<String, String>)> {
    let file = parse(path, bytes)?;
    check_names(path, &file, expected)?;
    let tensors = expected.iter().map(|(name, shape)| read_tensor(path, &file, name, shape, allow_f64));
    let tensors = tensors.collect::<Result<_>>()?;
    Ok((tensors, file.metadata().clone()))
}

fn parse<'b>(path: &Path, bytes: &'b [u8]) -> Result<File<'b>> {
    File::parse(bytes).map_err(|e| {
        let size = bytes.len();
        let why = format!(
            "not a whole safetensors file ({size} bytes): {e}. It is truncated, corrupt or of another format; write it again \
             with `wgrad train` or `wgrad init`"
        );
        Error::weights(path, why)
    })
}

/// The metadata of the weight file `path`, from its first bytes alone.
///
/// # Errors
///
/// As [`read`]; [`Error::Weights`] for a file that does not begin as a weight file.
pub fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>> {
    let failed = |e| Error::io(path, e);
    let broken = |what: String| Error::weights(path, format!("not a whole safetensors file: {what}"));
    let file = std::fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut head = Vec::new();
    (&file).take(8).read_to_end(&mut head).map_err(failed)?;
    let length = head.first_chunk().map(|length| u64::from_le_bytes(*length));
    // Held against the file's size before anything is allocated.
    let length = length.filter(|length| length.checked_add(8).is_some_and(|end| end <= size));
    let length = length.ok_or_else(|| broken(format!("{size} bytes")))?;
    (&file).take(length).read_to_end(&mut head).map_err(failed)?;
    let header: Header = serde_json::from_slice(&head[8..]).map_err(|e| broken(e.to_string()))?;
    Ok(header.metadata)
}

/// What is read of a header by itself.
#[derive(serde::Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
}

/// What a tensor of a weight file is, and the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TensorDigest {
    /// The tensor's name.
    pub name: String,
    /// `F32`, `F64`, ...
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// SHA-256 of the values, little endian.
    pub sha256: String,
}

/// The digest of a weight file's tensors (see `nn::digest`) and of each by itself, whatever their types and names.
///
/// # Errors
///
/// As [`read`]; [`Error::Weights`] for a file that is truncated, corrupt or of another format.
pub fn digests(path: &Path) -> Result<(String, Vec<TensorDigest>)> {
    // Whatever the file holds is wanted, so its own length is the limit.
    let bytes = read_up_to(path, u64::MAX >> 1)?;
    let file = parse(path, &bytes)?;
    let mut views: Vec<(&str, View<'_>)> = file.tensors().collect();
    views.sort_by_key(|(name, _)| *name);
    let mut fields = digest::Fields::new();
    let mut each = Vec::with_capacity(views.len());
    for (name, view) in views {
        let View { dtype, shape, data } = view;
        fields.tensor(name, dtype, shape, data);
        let (name, dtype, sha256) = (name.to_owned(), dtype.to_owned(), digest::of_bytes(data));
        each.push(TensorDigest { name, dtype, shape: shape.to_vec(), sha256 });
    }
    Ok((fields.finish(), each))
}

/// Bytes of a file of these tensors at most: 8 a number, and room for a header and for tensors too many, which a message
/// then names.
fn most_bytes(expected: &[(String, Vec<usize>)]) -> u64 {
    const ROOM: u64 = 64 << 20;
    let bytes = |shape: &Vec<usize>| shape.iter().fold(8u64, |bytes, size| bytes.saturating_mul(*size as u64));
    expected.iter().fold(ROOM, |sum, (_, shape)| sum.saturating_add(bytes(shape)))
}

/// Refuses missing and extra tensors; each message lists them all.
fn check_names(path: &Path, file: &File<'_>, expected: &[(String, Vec<usize>)]) -> Result<()> {
    let mut found: Vec<&str> = file.tensors().map(|(name, _)| name).collect();
    found.sort_unstable();
    let wanted: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !found.contains(name)).collect();
    let extra: Vec<&str> = found.iter().copied().filter(|name| !wanted.contains(name)).collect();
    let what = if !missing.is_empty() {
        let has = if found.is_empty() { "no tensors".to_owned() } else { found.join(", ") };
        format!("no tensor {}. The file has {has}", missing.join(", "))
    } else if !extra.is_empty() {
        let (extra, wanted) = (extra.join(", "), wanted.join(", "));
        format!("the file has {extra}, which the network does not. The network has {wanted}")
    } else {
        return Ok(());
    };
    Err(Error::weights(path, format!("{what}. Use the weights of a network with the spec's layers")))
}

fn read_tensor(path: &Path, file: &File<'_>, name: &str, shape: &[usize], allow_f64: bool) -> Result<Tensor> {
    let view = file.tensor(name).ok_or_else(|| Error::Internal(format!("{name} was there before")))?;
    let refuse = |why: String| Err(Error::weights(path, why));
    if view.shape != shape {
        return refuse(format!(
            "{name} has the shape {:?}, the network's is {shape:?} ([out, in] for a weight). Use the weights of a network with \
             the spec's layers",
            view.shape
        ));
    }
    let Some(values) = values_of(&view, allow_f64) else {
        let expected = if allow_f64 { "F32 or F64" } else { "F32" };
        return refuse(format!(
            "{name} has the type {}, expected {expected}. Convert the tensors to float32",
            view.dtype
        ));
    };
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return refuse(format!(
            "{name} is {} at {}; weights must be finite numbers. Use a checkpoint from before the training diverged",
            values[i],
            index_text(shape, i)
        ));
    }
    Ok(Tensor { name: name.to_owned(), shape: shape.to_vec(), values })
}

/// The values of a tensor, `None` where its type is not taken. The bytes of a file have no alignment to rely on.
fn values_of(view: &View<'_>, allow_f64: bool) -> Option<Vec<f64>> {
    match view.dtype {
        "F32" => Some(view.data.as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect()),
        "F64" if allow_f64 => Some(view.data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
        _ => None,
    }
}
