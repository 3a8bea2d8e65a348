//! How an array lies in its file, and whether the file can hold what its header promises.

use super::element::Element;
use crate::error::{Error, Result};

/// Numbers a row at most. Each is a column with a name, so that a damaged header must not ask for billions of them; an
/// image of 1,024 x 1,024 in three colours has three quarters of this.
const WIDTH_LIMIT: u64 = 1 << 22;

/// Type, shape and order of an array: what its header says. The first dimension counts the rows (samples).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Type of the numbers.
    pub element: Element,
    /// Whether the byte of the highest value comes first.
    pub big_endian: bool,
    /// Sizes of the dimensions, at least one dimension, all at least 1 and with a product below 2^63 bytes.
    shape: Vec<usize>,
    /// Whether the first index runs fastest (Fortran's order); otherwise the last one does (C's).
    pub fortran: bool,
}

impl Layout {
    /// Checks a shape. `place` names file and array.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no row, nothing in a row, or more than can be indexed.
    pub fn new(place: &str, element: Element, big_endian: bool, shape: &[u64], fortran: bool) -> Result<Layout> {
        let wrong = |what: &str| {
            Err(Error::data(place, format!("the array is {} of the shape {shape:?}: {what}", element.name())))
        };
        let Some((rows, rest)) = shape.split_first() else {
            return wrong("a single number has no rows. Save an array with one row for each sample");
        };
        if shape.contains(&0) {
            return wrong("it is empty. Save at least one sample with at least one number");
        }
        let width = rest.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let Some(width) = width.filter(|w| *w <= WIDTH_LIMIT) else {
            return wrong(
                "a row may have at most 4194304 (2^22) numbers. The header is damaged, or the rows are \
                          not the first dimension",
            );
        };
        if *rows > u64::from(u32::MAX) {
            return wrong("at most 4294967295 rows can be indexed. Split the file");
        }
        // At most 2^22 numbers a row, 2^32 rows and 8 bytes a number: 2^57.
        let bytes = width.checked_mul(*rows).and_then(|n| n.checked_mul(element.size_bytes() as u64));
        let sizes: Option<Vec<usize>> = shape.iter().map(|size| usize::try_from(*size).ok()).collect();
        match sizes {
            Some(shape) if bytes.is_some_and(|b| usize::try_from(b).is_ok()) => {
                Ok(Layout { element, big_endian, shape, fortran })
            }
            _ => wrong("it is too large for this machine. Split the file"),
        }
    }

    /// Number of rows, the first dimension.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// The dimensions after the first.
    pub fn row_shape(&self) -> &[usize] {
        &self.shape[1..]
    }

    /// Numbers a row: the product of the other dimensions.
    pub fn width(&self) -> usize {
        self.row_shape().iter().product()
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.width() * self.element.size_bytes()
    }

    /// Bytes of the whole array.
    pub fn size_bytes(&self) -> u64 {
        self.rows() as u64 * self.row_bytes() as u64
    }

    /// Whether the order of the indices matters and is Fortran's.
    pub fn is_transposed(&self) -> bool {
        self.fortran && self.shape.iter().filter(|size| **size > 1).count() > 1
    }

    /// In words: `60000 x 28 x 28 uint8`.
    pub fn describe(&self) -> String {
        format!("{} {}", joined(&self.shape, " x "), self.element.name())
    }

    /// Names of a row's numbers: `name` where there is one, else `name[i]`, `name[i,j]` and so on.
    pub fn column_names(&self, name: &str) -> Vec<String> {
        if self.width() == 1 {
            return vec![name.to_owned()];
        }
        (0..self.width()).map(|column| format!("{name}[{}]", joined(&self.indices(column), ","))).collect()
    }

    /// Where, counted in elements of the file, the number `column` of row 0 lies in Fortran's order; row r lies r further.
    pub fn fortran_start(&self, column: usize) -> usize {
        let (mut stride, mut start) = (self.rows(), 0);
        // The last index runs fastest in `column` and slowest in the file.
        for (index, size) in self.indices(column).iter().zip(self.row_shape()) {
            start += index * stride;
            stride *= size;
        }
        start
    }

    /// The indices of a row's number `column` behind that of the row.
    fn indices(&self, column: usize) -> Vec<usize> {
        let mut rest = column;
        let mut indices: Vec<usize> = Vec::with_capacity(self.row_shape().len());
        for size in self.row_shape().iter().rev() {
            indices.push(rest % size);
            rest /= size;
        }
        indices.reverse();
        indices
    }

    /// Refuses an array of which the file cannot hold all: `available` bytes are there for it at most.
    ///
    /// # Errors
    /// [`Error::Data`] with both sizes.
    pub fn fits(&self, place: &str, available: u64) -> Result<()> {
        if self.size_bytes() <= available {
            return Ok(());
        }
        Err(Error::data(
            place,
            format!(
                "the header promises {} ({} bytes), the file has at most {available} bytes for it. It is truncated or \
                 damaged; get it again",
                self.describe(),
                self.size_bytes()
            ),
        ))
    }
}

fn joined(numbers: &[usize], separator: &str) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(separator)
}
