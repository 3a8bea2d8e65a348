//! The header of an npy file, the format of `numpy.save`.
//!
//! A magic number, a version, the length of a text, and the text: a Python dict with `descr` (type and byte order),
//! `fortran_order` and `shape`. Source: NEP 1, "A simple file format for NumPy arrays", and numpy's `lib/format.py`.

use super::element::Element;
use super::layout::Layout;
use crate::error::{Error, Result};
use std::io::Read;

/// What every npy file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Length of the header's text at most: numpy's own limit (`max_header_size`).
const HEADER_BYTES: u64 = 10_000;

/// The three entries of the dict: `descr`, `fortran_order`, `shape`.
type Entries = (Option<String>, Option<bool>, Option<Vec<u64>>);

/// Reads the header; the data follow. Returns its length in bytes too.
///
/// # Errors
/// [`Error::Data`] for another format, a type that is no number, or sizes that make no data set.
pub fn header(place: &str, reader: &mut impl Read) -> Result<(Layout, u64)> {
    let wrong = |what: String| Error::data(place, format!("not an npy file: {what}. Write one with numpy.save"));
    let short = |e: std::io::Error| wrong(format!("its header cannot be read ({e})"));
    let mut start = [0; 8];
    reader.read_exact(&mut start).map_err(short)?;
    if !start.starts_with(MAGIC) {
        return Err(wrong("it does not begin as numpy's files do".into()));
    }
    let mut length = [0; 4];
    let length_bytes = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(wrong(format!("its version is {version}; 1, 2 and 3 are read"))),
    };
    reader.read_exact(&mut length[..length_bytes]).map_err(short)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > HEADER_BYTES {
        return Err(wrong(format!("its header says to be {length} bytes long; {HEADER_BYTES} are numpy's limit")));
    }
    let mut text = vec![0; length as usize];
    reader.read_exact(&mut text).map_err(short)?;
    let text = std::str::from_utf8(&text).map_err(|_| wrong("its header is no text".into()))?;
    let entries = Text { rest: text }.dict().ok_or_else(|| {
        let shown: String = text.trim().chars().take(200).collect();
        wrong(format!("its header is not understood: {shown}"))
    })?;
    let (Some(descr), Some(fortran), Some(shape)) = entries else {
        return Err(wrong("its header lacks descr, fortran_order or shape".into()));
    };
    let (element, big_endian) = element(&descr).ok_or_else(|| {
        Error::data(
            place,
            format!(
                "the array has the dtype {descr}, which is read no further: bool, int8 to int64, uint8 to uint64 and \
                 float16 to float64 are. {}",
                remedy(&descr)
            ),
        )
    })?;
    let layout = Layout::new(place, element, big_endian, &shape, fortran)?;
    Ok((layout, 8 + length_bytes as u64 + length))
}

fn remedy(descr: &str) -> &'static str {
    if descr.contains('U') || descr.contains('S') || descr.contains('O') {
        "Number the classes, for example numpy.unique(y, return_inverse=True)[1], and save that"
    } else {
        "Convert it, for example with .astype(\"float32\")"
    }
}

/// The type of a `descr` such as `<f4`, and whether its highest byte comes first. Numbers of one byte have no order (`|`),
/// and `=` is the order of the machine that wrote the file, which numpy itself never writes.
fn element(descr: &str) -> Option<(Element, bool)> {
    let (order, name) = descr.split_at_checked(1)?;
    let big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        _ => return None,
    };
    let element = Element::find(|facts| facts.npy == Some(name))?;
    // Without an order the bytes of a longer number would be guessed.
    (order != "|" || element.size_bytes() == 1).then_some((element, big_endian))
}

/// The rest of a header's text: of Python's literals only what numpy writes there. No recursion, so nothing to nest.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`
    fn dict(mut self) -> Option<Entries> {
        let mut entries = Entries::default();
        self.take("{")?;
        while self.take("}").is_none() {
            let key = self.string()?;
            self.take(":")?;
            match key {
                "descr" => entries.0 = Some(self.descr()?),
                "fortran_order" => entries.1 = Some(self.truth()?),
                "shape" => entries.2 = Some(self.tuple()?),
                _ => return None,
            }
            if self.take(",").is_none() {
                self.take("}")?;
                break;
            }
        }
        self.rest.trim().is_empty().then_some(entries)
    }

    /// Skips white space and then `word`.
    fn take(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(word)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.take("'").is_some() { '\'' } else { self.take("\"").map(|()| '"')? };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        Some(text)
    }

    /// A type in quotes, or the list of a structured type up to its last bracket.
    fn descr(&mut self) -> Option<String> {
        if !self.rest.trim_start().starts_with('[') {
            return self.string().map(str::to_owned);
        }
        let end = self.rest.rfind(']')? + 1;
        let text = self.rest[..end].trim().to_owned();
        self.rest = &self.rest[end..];
        Some(text)
    }

    fn truth(&mut self) -> Option<bool> {
        if self.take("True").is_some() { Some(true) } else { self.take("False").map(|()| false) }
    }

    /// `()`, `(3,)`, `(3, 4)`; numpy 1 on Python 2 wrote `3L`.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        self.take("(")?;
        let mut sizes = Vec::new();
        while self.take(")").is_none() {
            let rest = self.rest.trim_start();
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            sizes.push(rest[..digits].parse().ok()?);
            self.rest = rest[digits..].strip_prefix('L').unwrap_or(&rest[digits..]);
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
        }
        Some(sizes)
    }
}
