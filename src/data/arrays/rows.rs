//! The rows of an array, some at a time.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::exec::memory::{free_bytes, gibibytes};
use std::io::Read;

/// Reads an array from its first row to its last.
pub struct RowReader {
    /// File and array, for messages.
    pub(super) place: String,
    pub(super) layout: Layout,
    bytes: Box<dyn Read + Send>,
    /// Rows handed out.
    row: usize,
    /// Whether the bytes end with the array.
    last: bool,
    /// An array in Fortran's order has its first row spread over all of its bytes, so they are kept.
    whole: Option<Transposed>,
}

struct Transposed {
    bytes: Vec<u8>,
    /// For each number of row 0, where it lies, in elements.
    starts: Vec<usize>,
}

impl RowReader {
    /// Takes the bytes of an array, which begin with its first element. `last`: nothing follows the array.
    pub(super) fn new(place: String, layout: Layout, bytes: Box<dyn Read + Send>, last: bool) -> Result<RowReader> {
        let mut reader = RowReader { place, layout, bytes, row: 0, last, whole: None };
        if reader.layout.is_transposed() {
            reader.read_transposed()?;
        }
        Ok(reader)
    }

    /// Rows not yet read.
    pub fn rows_left(&self) -> usize {
        self.layout.rows() - self.row
    }

    /// The bytes of the next rows, at most `count`, in C's order: [`Element::decode`](super::element::Element::decode) makes them
    /// numbers. Nothing at the end.
    ///
    /// # Errors
    /// [`Error::Data`] where the file is truncated or damaged.
    pub fn read(&mut self, count: usize) -> Result<Vec<u8>> {
        let count = count.min(self.rows_left());
        let mut rows = Vec::new();
        if let Some(whole) = &self.whole {
            let size = self.layout.element.size_bytes();
            for row in self.row..self.row + count {
                for start in &whole.starts {
                    rows.extend_from_slice(&whole.bytes[(start + row) * size..][..size]);
                }
            }
        } else {
            let wanted = count * self.layout.row_bytes();
            read_up_to(&mut self.bytes, wanted, &mut rows).map_err(|e| self.broken(&e))?;
        }
        self.row += count;
        if count > 0 && self.rows_left() == 0 {
            self.check_end()?;
        }
        Ok(rows)
    }

    fn read_transposed(&mut self) -> Result<()> {
        let size = self.layout.size_bytes();
        if let Some(free) = free_bytes().filter(|free| size > *free) {
            return Err(Error::data(
                &self.place,
                format!(
                    "the array is in Fortran's order, so that all of it must be in memory: {} of {} that are free. Save it \
                     by numpy.save(FILE, numpy.ascontiguousarray(x)), which is read in blocks",
                    gibibytes(u128::from(size)),
                    gibibytes(u128::from(free))
                ),
            ));
        }
        let mut bytes = Vec::new();
        read_up_to(&mut self.bytes, size as usize, &mut bytes).map_err(|e| self.broken(&e))?;
        let starts = (0..self.layout.width()).map(|column| self.layout.fortran_start(column)).collect();
        self.whole = Some(Transposed { bytes, starts });
        self.check_end()
    }

    /// A decompressor tells that its checksum is wrong where it ends, and more bytes than promised are a wrong header.
    fn check_end(&mut self) -> Result<()> {
        if !self.last {
            return Ok(());
        }
        match self.bytes.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Error::data(
                &self.place,
                format!(
                    "more bytes follow the {} of the header. The file is damaged, or more than one array was written \
                     to it",
                    self.layout.describe()
                ),
            )),
            Err(e) => Err(self.broken(&e)),
        }
    }

    fn broken(&self, cause: &std::io::Error) -> Error {
        let what = match cause.kind() {
            std::io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
            _ => format!("the file cannot be read ({cause})"),
        };
        Error::data(
            &self.place,
            format!(
                "{what}, after {} rows of {}. It is truncated or damaged; get it again",
                self.row,
                self.layout.describe()
            ),
        )
    }
}

/// Reads exactly `wanted` bytes. Memory grows with what has come: a header's promise is not allocated ahead of it.
fn read_up_to(reader: &mut impl Read, wanted: usize, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let read = reader.take(wanted as u64).read_to_end(bytes)?;
    if read == wanted { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}
