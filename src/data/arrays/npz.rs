//! Arrays of an npz archive, the format of `numpy.savez` and `numpy.savez_compressed`: a zip file of npy files.

use super::{Array, Found, Store, npy};
use crate::error::{Error, Result};
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use zip::{CompressionMethod, ZipArchive};

/// Members of an archive at most: no data set has more arrays, and each costs a look into the file.
const MEMBERS: usize = 4096;
/// How zip numbers the method deflate (APPNOTE 4.4.5); the zip crate is built without it, since flate2 unpacks here.
const DEFLATE: u16 = 8;

/// Where an array's npy file lies in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where its bytes begin.
    start: u64,
    /// Bytes in the archive.
    packed: u64,
    /// Bytes of the npy file.
    unpacked: u64,
    deflated: bool,
    crc: u32,
}

/// Reads the directory of the archive at `path` of `file_bytes`, and every array's header. What cannot be read is left out.
///
/// # Errors
/// [`Error::Data`] for another format or a damaged directory.
pub fn arrays(path: &Path, file_bytes: u64) -> Result<Found> {
    let place = path.display().to_string();
    let wrong = |what: String| {
        Error::data(&place, format!("not a whole npz archive: {what}. It is truncated, damaged or of another format"))
    };
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| wrong(e.to_string()))?;
    if archive.len() > MEMBERS {
        return Err(wrong(format!("it has {} members; at most {MEMBERS} are read", archive.len())));
    }
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for i in 0..archive.len() {
        let entry = archive.by_index_raw(i).map_err(|e| wrong(e.to_string()))?;
        let name = entry.name().map_err(|e| wrong(e.to_string()))?;
        // numpy adds the extension to each array's name.
        let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
        let place = format!("{place}, array \"{name}\"");
        let member = member(&entry, file_bytes).map_err(|what| Error::data(&place, what));
        let read = member.and_then(|member| {
            let (layout, header) = npy::header(&place, &mut open(path, &member)?)?;
            layout.fits(&place, member.unpacked.saturating_sub(header))?;
            Ok(Array { name: Some(name), layout, store: Store::Member(member) })
        });
        match read {
            Ok(array) => found.push(array),
            Err(why) => left_out.push(why.to_string()),
        }
    }
    Ok((found, left_out))
}

/// Where an entry lies, if its directory's numbers can be true.
fn member<R: Read>(entry: &zip::read::ZipFile<'_, R>, file_bytes: u64) -> Result<Member, String> {
    if entry.encrypted() {
        return Err("it is encrypted. Write the archive without a password".into());
    }
    #[allow(deprecated)] // The only name that a method has which the crate was not built for.
    let deflated = match entry.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Unsupported(DEFLATE) => true,
        other => return Err(format!("it is packed by {other}. Write it with numpy.savez or numpy.savez_compressed")),
    };
    let (packed, unpacked) = (entry.compressed_size(), entry.size());
    let inside = |start: &u64| start.checked_add(packed).is_some_and(|end| end <= file_bytes);
    let Some(start) = entry.data_start().filter(inside) else {
        return Err(format!("its {packed} bytes lie outside the file of {file_bytes} bytes. The archive is damaged"));
    };
    let limit = if deflated { packed.saturating_mul(super::DEFLATE_RATIO) } else { packed };
    if unpacked > limit {
        return Err(format!("{packed} bytes cannot unpack to {unpacked}. The archive is damaged"));
    }
    Ok(Member { start, packed, unpacked, deflated, crc: entry.crc32() })
}

/// The bytes of an npy file in the archive, unpacked as they are read. The end is only reported where the checksum is right.
///
/// # Errors
/// [`Error::Io`].
pub fn open(path: &Path, member: &Member) -> Result<Box<dyn Read + Send>> {
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    file.seek(SeekFrom::Start(member.start)).map_err(|e| Error::io(path, e))?;
    let packed = BufReader::new(file.take(member.packed));
    let bytes: Box<dyn Read + Send> =
        if member.deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
    Ok(Box::new(Checked { bytes, crc: flate2::Crc::new(), expected: member.crc }))
}

/// Compares the checksum at the end.
struct Checked {
    bytes: Box<dyn Read + Send>,
    crc: flate2::Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the checksum is wrong"));
        }
        Ok(count)
    }
}
