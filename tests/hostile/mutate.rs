//! Damage to files: by seeded chance, and by a list of what breaks readers.

use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use wgrad::testing::data::rng::Philox;

/// Numbers that lengths and counts break on.
const NUMBERS: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Pieces that mean something to one of the formats.
const WORDS: [&[u8]; 44] = [
    b"nan",
    b"inf",
    b"-1",
    b"1e400",
    b"-0.0",
    b"\"",
    b"\\",
    b"'",
    b",",
    b"\r",
    b"\n",
    b"\t",
    b"\0",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"=",
    b"#",
    b"a.b.c.d.e",
    b"[[model.layers]]",
    b"dense = 99999999999",
    b"'descr': '<f8', ",
    b"'|O'",
    b"'shape': (4294967296, 4294967296), ",
    b"True",
    b"\x93NUMPY",
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"\x1f\x8b\x08",
    b"\0\0\x08\x03",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"../../etc/passwd",
    b"/dev/zero",
    b"__metadata__",
    b"\"data_offsets\":[0,18446744073709551615]",
    b"\"F64\"",
    b"\"shape\":[9223372036854775807,2]",
    b"null",
];

/// A changed copy of `seed`; `others` are files of the same format to take pieces from.
pub fn mutated(random: &mut Philox, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    // Damage behind a checksum is only seen as damage of the checksum: half of the packed files are packed anew.
    if seed.starts_with(&[0x1f, 0x8b]) && below(random, 2) == 0 {
        let mut content = Vec::new();
        if GzDecoder::new(seed).read_to_end(&mut content).is_ok() {
            let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&damaged(random, &content, &[])).unwrap();
            return packed.finish().unwrap();
        }
    }
    if seed.starts_with(b"PK")
        && below(random, 2) == 0
        && let Some(archive) = repacked(random, seed)
    {
        return archive;
    }
    damaged(random, seed, others)
}

fn damaged(random: &mut Philox, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=below(random, 4) {
        damage(random, &mut bytes, others);
    }
    bytes
}

fn below(random: &mut Philox, n: usize) -> usize {
    random.below(n as u32) as usize
}

fn damage(random: &mut Philox, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let length = bytes.len();
    let at = below(random, length + 1);
    let end = at + below(random, (length - at).min(64) + 1);
    match below(random, 11) {
        0 if at < length => bytes[at] ^= 1 << below(random, 8),
        1 if at < length => bytes[at] = random.next_u32() as u8,
        2 => bytes.truncate(at),
        3 => bytes.extend((0..below(random, 64)).map(|_| random.next_u32() as u8)),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let piece = bytes[at..end].to_vec();
            for _ in 0..=below(random, 8) {
                bytes.splice(at..at, piece.iter().copied());
            }
        }
        6 if !others.is_empty() => {
            let other = &others[below(random, others.len())];
            let cut = below(random, other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[cut..]);
        }
        7 => drop(bytes.splice(at..end, WORDS[below(random, WORDS.len())].iter().copied())),
        8 | 9 => length_field(random, bytes, at),
        10 => {
            // Nesting and endless cells: one word, up to 65,536 times.
            let word = WORDS[below(random, WORDS.len())];
            let many = word.repeat(1 << below(random, 17));
            bytes.splice(at..at, many);
        }
        _ => bytes.push(0),
    }
}

/// Overwrites 1, 2, 4 or 8 bytes, most often among the first ones, by a number that a length must not be.
fn length_field(random: &mut Philox, bytes: &mut [u8], at: usize) {
    let size = 1 << below(random, 4);
    if bytes.len() < size {
        return;
    }
    let near = if below(random, 2) == 0 { at.min(64) } else { at };
    let start = near.min(bytes.len() - size);
    let number = NUMBERS[below(random, NUMBERS.len())].wrapping_add(u64::from(random.below(3)));
    let field = &mut bytes[start..start + size];
    if below(random, 2) == 0 {
        field.copy_from_slice(&number.to_le_bytes()[..size]);
    } else {
        field.copy_from_slice(&number.to_be_bytes()[8 - size..]);
    }
}

/// The archive with one member damaged, its checksum and sizes right.
fn repacked(random: &mut Philox, seed: &[u8]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(seed)).ok()?;
    let victim = below(random, archive.len().max(1));
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for i in 0..archive.len() {
        let mut entry = archive.by_index_raw(i).ok()?;
        let (name, size) = (entry.name().ok()?.into_owned(), entry.size());
        let mut packed = Vec::new();
        entry.read_to_end(&mut packed).ok()?;
        let mut content = Vec::new();
        if packed.len() as u64 == size {
            content = packed;
        } else {
            flate2::read::DeflateDecoder::new(&packed[..]).read_to_end(&mut content).ok()?;
        }
        if i == victim {
            content = damaged(random, &content, &[]);
        }
        out.start_file(name, options).ok()?;
        out.write_all(&content).ok()?;
    }
    Some(out.finish().ok()?.into_inner())
}
