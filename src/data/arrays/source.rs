//! Arrays as a source of samples: row i of every array belongs to sample i.

use super::layout::Layout;
use super::rows::RowReader;
use super::{Array, ArrayFile};
use crate::data::block::Block;
use crate::data::open::{Kind, sniff};
use crate::data::source::{CHUNK_BYTES, Chunk, Header, Source, first_repeated};
use crate::error::{Error, Result};
use crate::spec::DataFile;
use std::path::Path;
use std::sync::Arc;

/// What the features' columns are called where the array's own name does not matter: `x[0]`, `x[1]` and so on.
const FEATURES: &str = "x";
/// Likewise the targets' columns; a `target` of this name is what `y` in a spec makes.
pub const TARGETS: &str = "y";

/// Arrays with the same number of rows, side by side.
pub struct ArraySource {
    header: Arc<Header>,
    parts: Vec<RowReader>,
    /// 0-based row of the file that comes next.
    row: u64,
}

impl ArraySource {
    /// Opens the arrays that `file` names.
    ///
    /// With an array or with labels named, columns are called by their role, `x` and `y`, so that files with other array
    /// names fit the same network; otherwise every array of the file is taken under its own name.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no such array, or numbers of rows differ.
    pub fn open(file: &DataFile) -> Result<ArraySource> {
        let opened = open(&file.path)?;
        let (mut columns, mut parts) = (Vec::new(), Vec::new());
        let mut add = |name: &str, opened: &ArrayFile, array: &Array| -> Result<()> {
            columns.extend(array.layout.column_names(name));
            parts.push(opened.rows(array)?);
            Ok(())
        };
        let by_role = file.array.is_some() || file.labels.is_some() || opened.arrays()[0].name.is_none();
        if by_role {
            add(FEATURES, &opened, chosen(&opened, file)?)?;
        } else {
            opened.refuse_unreadable()?;
            for array in opened.arrays() {
                add(array.name.as_deref().unwrap_or(FEATURES), &opened, array)?;
            }
        }
        if let Some(labels) = &file.labels {
            let opened = open(&labels.path)?;
            add(TARGETS, &opened, chosen(&opened, labels)?)?;
        }
        check_rows(&opened, &parts)?;
        let header = Header { path: file.path.clone(), columns, line: None, pictures: None };
        // Arrays named `a` and `a[0]` could give one name to two columns.
        if let Some(name) = first_repeated(&header.columns) {
            return Err(header.error(format!("two arrays have a column \"{name}\". Rename one of them")));
        }
        Ok(ArraySource { header: Arc::new(header), parts, row: 0 })
    }
}

fn open(path: &Path) -> Result<ArrayFile> {
    let (kind, gzip) = sniff(path)?;
    if matches!(kind, Kind::Csv | Kind::Parquet) {
        return Err(Error::data(
            path.display().to_string(),
            "x and y are files of arrays (idx, npy, npz, safetensors), and this is a table (CSV or Parquet). Name a table alone, and \
             its target columns by `target`",
        ));
    }
    ArrayFile::open(path, kind, gzip)
}

/// The array that `file` names, or the only one.
fn chosen<'a>(opened: &'a ArrayFile, file: &DataFile) -> Result<&'a Array> {
    match (&file.array, opened.arrays()) {
        (Some(name), _) => opened.array(name),
        (None, [only]) => Ok(only),
        (None, _) => Err(Error::data(
            file.path.display().to_string(),
            format!(
                "the file has several arrays, and none is named. {}. Write the name behind the file, such as \"{}#{}\"",
                opened.describe(),
                file.written,
                opened.arrays()[0].name.as_deref().unwrap_or(FEATURES)
            ),
        )),
    }
}

fn check_rows(opened: &ArrayFile, parts: &[RowReader]) -> Result<()> {
    let first = &parts[0];
    let Some(other) = parts.iter().find(|part| part.layout.rows() != first.layout.rows()) else { return Ok(()) };
    Err(Error::data(
        opened.path().display().to_string(),
        format!(
            "{} has {} rows ({}), {} has {} ({}). Samples need as many of one as of the other; name the arrays that \
             belong together, such as {{ x = \"data.npz#x_train\", y = \"data.npz#y_train\" }}",
            first.place,
            first.layout.rows(),
            first.layout.describe(),
            other.place,
            other.layout.rows(),
            other.layout.describe()
        ),
    ))
}

impl Source for ArraySource {
    fn header(&self) -> &Arc<Header> {
        &self.header
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let row_bytes: usize = self.parts.iter().map(|part| part.layout.row_bytes()).sum();
        let count =
            (CHUNK_BYTES / row_bytes).max(1).min(self.parts.iter().map(RowReader::rows_left).min().unwrap_or(0));
        if count == 0 {
            return Ok(None);
        }
        let read = |part: &mut RowReader| Ok((part.layout.clone(), part.read(count)?));
        let parts = self.parts.iter_mut().map(read).collect::<Result<Vec<_>>>()?;
        let (header, first) = (Arc::clone(&self.header), self.row);
        self.row += count as u64;
        Ok(Some(Box::new(move || Ok(Block::of_numbers(header, first, side_by_side(&parts, count))))))
    }
}

/// The rows of every array behind those of the arrays before it.
fn side_by_side(parts: &[(Layout, Vec<u8>)], rows: usize) -> Vec<f64> {
    let width: usize = parts.iter().map(|(layout, _)| layout.width()).sum();
    let mut values = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for (layout, bytes) in parts {
            let size = layout.row_bytes();
            layout.element.decode(layout.big_endian, &bytes[row * size..][..size], &mut values);
        }
    }
    values
}
