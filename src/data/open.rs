//! What a data file is, and its bytes: unpacked as they are read where it is gzip.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The formats of data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text cells with a header.
    Csv,
    /// One array, as MNIST is shipped.
    Idx,
    /// One array of numpy.
    Npy,
    /// Named arrays of numpy.
    Npz,
    /// Named arrays.
    Safetensors,
    /// A table of columns.
    Parquet,
}

/// The formats by the ends of files' names; those of IDX files name the type of the numbers.
const ENDINGS: [(Kind, &[&str]); 6] = [
    (Kind::Csv, &[".csv", ".tsv", ".txt"]),
    (Kind::Npy, &[".npy"]),
    (Kind::Npz, &[".npz"]),
    (Kind::Safetensors, &[".safetensors"]),
    (Kind::Parquet, &[".parquet", ".pq"]),
    (Kind::Idx, &[".idx", "-ubyte", "-byte", "-short", "-int", "-float", "-double"]),
];

/// The two bytes that begin a gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes that tell the formats apart.
const START: u64 = 16;

/// The format of the file at `path`, and whether it is packed by gzip. An extension decides where it is one of the known
/// ones; whether the content is of that format, its reader says. Otherwise the first bytes decide.
///
/// # Errors
/// [`Error::Data`] where the file cannot be read or has no end.
pub fn sniff(path: &Path) -> Result<(Kind, bool)> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let found = file.metadata().map_err(|e| unreadable(path, &e))?;
    if found.is_dir() {
        return Err(unreadable(path, &std::io::ErrorKind::IsADirectory.into()));
    }
    if !found.is_file() {
        // Headers are held against the file's length, samples are read more than once, and /dev/zero has no end.
        let message = "this is a device or a pipe, not a file. Write the data to a file and name that";
        return Err(Error::data(path.display().to_string(), message));
    }
    let mut start = read_start(&file).map_err(|e| unreadable(path, &e))?;
    let gzip = start.starts_with(&GZIP);
    if gzip {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        start = read_start(gunzip(file)).map_err(|e| {
            Error::data(path.display().to_string(), format!("the gzip file cannot be unpacked: {e}. Get it again"))
        })?;
    }
    let kind = by_extension(path).unwrap_or_else(|| by_content(&start));
    if gzip && matches!(kind, Kind::Npz | Kind::Safetensors | Kind::Parquet) {
        let message = "a packed file of this format is not read. Unpack it with gunzip";
        return Err(Error::data(path.display().to_string(), message));
    }
    Ok((kind, gzip))
}

/// The content of a gzip file, unpacked as it is read.
#[cfg(feature = "files")]
pub fn gunzip(file: File) -> Box<dyn Read + Send> {
    Box::new(flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file)))
}
#[cfg(not(feature = "files"))]
pub use super::without_files::gunzip;

/// The whole content of a file that is read into memory at once: weights, a run folder's files, earlier results.
///
/// # Errors
/// What the system says; also for what is larger than `limit_bytes`, and for a device or a pipe, which may have no end.
pub fn read_whole(path: &Path, limit_bytes: u64) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(std::io::Error::other("this is a device or a pipe, not a file"));
    }
    let too_large = |bytes: u64| {
        let message =
            format!("the file has {bytes} bytes or more; it can have {limit_bytes} at most, so it is another one");
        Err(std::io::Error::other(message))
    };
    if found.len() > limit_bytes {
        return too_large(found.len());
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    // A file that grows while it is read (or that is of no length to the system, as those of /proc) stays within the limit.
    file.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes { too_large(bytes.len() as u64) } else { Ok(bytes) }
}

fn read_start(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(START).read_to_end(&mut start)?;
    Ok(start)
}

fn by_extension(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    ENDINGS.iter().find(|(_, endings)| endings.iter().any(|end| name.ends_with(end))).map(|(kind, _)| *kind)
}

fn by_content(start: &[u8]) -> Kind {
    // A safetensors header is JSON behind eight bytes of its length; text has no such bytes.
    if start.starts_with(super::arrays::npy::MAGIC) {
        Kind::Npy
    } else if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        Kind::Npz
    } else if start.starts_with(b"PAR1") {
        Kind::Parquet
    } else if super::arrays::idx::is_idx(start) {
        Kind::Idx
    } else if start.get(8) == Some(&b'{') && start[4..8] == [0; 4] {
        Kind::Safetensors
    } else {
        Kind::Csv
    }
}

/// A data file that cannot be opened or read.
pub(super) fn unreadable(path: &Path, cause: &std::io::Error) -> Error {
    let message = match cause.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such data file. Check the path; one that a spec names is relative to the spec's folder"
                .to_owned()
        }
        std::io::ErrorKind::IsADirectory => "this is a folder, not a data file. Name a file in it".to_owned(),
        _ => format!("the data file cannot be read: {cause}"),
    };
    Error::data(path.display().to_string(), message)
}
