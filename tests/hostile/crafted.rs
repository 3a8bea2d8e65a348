//! Inputs made to break one reader each: nesting, endless names, sizes that are lies, little that unpacks to much.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Reader, what the input is, its bytes.
pub fn inputs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = |text: String| text.into_bytes();
    let mut all = vec![
        ("spec", "a key of 500,000 parts", text(format!("{}a = 1", "a.".repeat(200 << 10)))),
        ("spec", "a table of 500,000 parts", text(format!("[{}a]", "a.".repeat(200 << 10)))),
        ("spec", "lists in lists", text(format!("x = {}", "[".repeat(1000 << 10)))),
        ("spec", "tables in tables", text(format!("x = {}", "{a=".repeat(300 << 10)))),
        ("spec", "a name of a megabyte", text(format!("{} = 1", "a".repeat(1000 << 10)))),
        (
            "spec",
            "a value of a megabyte",
            text(format!("[data]\ntrain = \"a\"\ntarget = \"b\"\nscale = \"{}\"", "a".repeat(1000 << 10))),
        ),
        ("spec", "thousands of unknown keys", text((0..80_000).map(|i| format!("k{i} = 1\n")).collect())),
        ("spec", "more than a page", vec![b'#'; 2 << 20]),
        ("csv", "a column without an end", vec![b'a'; 70 << 20]),
        ("csv", "a column of megabytes", text(format!("{},b\n1,2\n", "a".repeat(6 << 20)))),
        ("csv", "a quote without an end", text(format!("a,b\n1,\"{}", "2\n".repeat(35 << 20)))),
        (
            "csv",
            "thousands of columns",
            text(format!("{}label\n", (0..200_000).map(|i| format!("c{i},")).collect::<String>())),
        ),
        ("csv", "a million empty columns", text(",".repeat(1 << 20))),
        ("csv", "nothing but line breaks", vec![b'\n'; 65 << 20]),
        ("csv_gz", "nothing but zeros", packed(&[0; 1 << 20], 66)),
        ("csv_gz", "quotes", packed(&[b'"'; 1 << 20], 70)),
        ("idx_gz", "a header without data", packed(&[0, 0, 8, 2, 0, 0x10, 0, 0, 0, 0x10, 0, 0], 1)),
        (
            "idx_gz",
            "a row of many columns",
            packed(&[&[0, 0, 8, 2, 0, 0, 0, 1, 0, 4, 0, 0][..], &[0; 1 << 18]].concat(), 1),
        ),
        (
            "idx_gz",
            "more columns than there may be",
            packed(&[&[0, 0, 8, 2, 0, 0, 0, 1, 0, 0x40, 0, 1][..], &[0; 1 << 22]].concat(), 1),
        ),
        ("idx_gz", "data without an end", packed(&[0, 0, 8, 1, 0, 0, 0, 1, 1], 1 << 22)),
        ("idx", "sixteen dimensions", [&[0, 0, 8, 16][..], &[0xff; 64], &[0; 100]].concat()),
        ("npy", "a header of 4 GiB", [b"\x93NUMPY\x02\0".as_slice(), &[0xff; 4], &[b' '; 100]].concat()),
        ("npz", "millions of members", end_of_archive(u64::MAX, u64::MAX, 0)),
        ("npz", "a directory behind the end", end_of_archive(1 << 40, 1 << 48, 1 << 50)),
        ("npz", "as many members as bytes", end_of_archive(1 << 30, 46 << 30, 1 << 31)),
        ("safetensors", "a header of 16 EiB", vec![0xff; 64]),
        ("safetensors", "lists in lists", safetensors(&"[".repeat(1 << 20))),
        (
            "safetensors",
            "sizes that overflow",
            safetensors(r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#),
        ),
        (
            "safetensors",
            "no elements",
            safetensors(r#"{"x":{"dtype":"F32","shape":[0,4294967296],"data_offsets":[0,0]}}"#),
        ),
        ("weights", "lists in lists", safetensors(&format!("{{\"a\":{}", "[".repeat(1 << 20)))),
        ("metrics", "a line of megabytes", vec![b'1'; 64 << 20]),
    ];
    for json in ["preprocessing", "report", "bench", "metrics"] {
        all.push((json, "lists in lists", text("[".repeat(1 << 20))));
        all.push((json, "tables in tables", text("{\"a\":".repeat(1 << 20))));
    }
    all
}

/// `piece`, `times` times, packed by gzip.
fn packed(piece: &[u8], times: usize) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    (0..times).for_each(|_| out.write_all(piece).unwrap());
    out.finish().unwrap()
}

fn safetensors(header: &str) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

/// The end of a zip64 archive that says to have `members` in a directory of `bytes` at `start`.
fn end_of_archive(members: u64, bytes: u64, start: u64) -> Vec<u8> {
    let mut out = b"PK\x03\x04".to_vec();
    out.resize(64, 0);
    let record = out.len() as u64;
    out.extend(b"PK\x06\x06");
    out.extend(44u64.to_le_bytes());
    out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [members, members, bytes, start] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(record.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([0xff; 12]);
    out.extend([0, 0]);
    out
}
