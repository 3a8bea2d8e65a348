//! Rows in a file: samples that are too many for memory, scaled and in the precision of the device.
//!
//! The file has no name where the system allows that (Linux), and is removed when it is closed anywhere else: nothing is
//! left of it, however the program ends. A row is its features (`f32`), then its targets (`f32`) or its class (`u32`), then its
//! weight (`f32`) where rows have such.

use super::order::Window;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Writes rows.
pub struct CacheWriter {
    out: BufWriter<File>,
    folder: PathBuf,
    words: usize,
    rows: usize,
    class_rows: Vec<usize>,
}

/// Rows in a file, to be read from any thread.
#[derive(Debug)]
pub struct RowCache {
    file: Mutex<File>,
    folder: PathBuf,
    /// Words of 4 bytes a row.
    words: usize,
    rows: usize,
    class_rows: Vec<usize>,
}

impl CacheWriter {
    /// A file in `folder` for rows of `words` numbers.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(folder: &Path, words: usize) -> Result<CacheWriter> {
        let file = crate::nn::disk::unnamed(folder).map_err(|e| failed(folder, 0, &e))?;
        let out = BufWriter::with_capacity(1 << 20, file);
        Ok(CacheWriter { out, folder: folder.to_path_buf(), words, rows: 0, class_rows: Vec::new() })
    }

    /// Counts the row that is pushed next, or was last, as one of `class`, of so many.
    pub fn count_class(&mut self, class: usize, classes: usize) {
        self.class_rows.resize(classes, 0);
        if let Some(count) = self.class_rows.get_mut(class) {
            *count += 1;
        }
    }

    /// Adds a row, as the bits of its numbers.
    ///
    /// # Errors
    /// [`Error::Io`]: a full disk, for example.
    pub fn push(&mut self, row: &[u32]) -> Result<()> {
        if row.len() != self.words {
            return Err(Error::Internal(format!("a row of {} numbers in a file of {}", row.len(), self.words)));
        }
        self.out.write_all(bytemuck::cast_slice(row)).map_err(|e| self.failed(&e))?;
        self.rows += 1;
        Ok(())
    }

    fn failed(&self, cause: &std::io::Error) -> Error {
        failed(&self.folder, 4 * self.words as u64 * self.rows as u64, cause)
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// As [`CacheWriter::push`].
    pub fn finish(mut self) -> Result<RowCache> {
        self.out.flush().map_err(|e| self.failed(&e))?;
        let CacheWriter { out, folder, words, rows, class_rows } = self;
        let file = out.into_inner().map_err(|e| Error::io(&folder, e.into_error()))?;
        Ok(RowCache { file: Mutex::new(file), folder, words, rows, class_rows })
    }
}

/// What the file cannot take, and how large it was.
fn failed(folder: &Path, bytes: u64, cause: &std::io::Error) -> Error {
    let message = format!(
        "the samples are larger than data.memory and are kept in a file in this folder, which cannot be written after {} MiB: \
         {cause}. Free some space, choose another folder (that of the run, or TMPDIR where nothing is trained), or raise \
         data.memory",
        bytes >> 20
    );
    Error::Io { path: folder.to_path_buf(), source: std::io::Error::new(cause.kind(), message) }
}

impl RowCache {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of each class, where they were counted.
    pub fn class_rows(&self) -> &[usize] {
        &self.class_rows
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        4 * self.words
    }

    /// Bytes of all rows.
    pub fn size_bytes(&self) -> u64 {
        self.row_bytes() as u64 * self.rows as u64
    }

    /// The folder in which the file lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads the rows from `first` on into `rows`, as many as fit.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read(&self, first: usize, rows: &mut [u32]) -> Result<()> {
        let failed = |e| Error::io(&self.folder, e);
        // A reader that failed leaves the position anywhere; each reading begins with setting it.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start((first * self.row_bytes()) as u64)).map_err(failed)?;
        file.read_exact(bytemuck::cast_slice_mut(rows)).map_err(failed)
    }

    /// Reads a window part by part and hands each row, with its place in the window, to `put`. `part` is memory for a part.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_window(&self, window: &Window, part: &mut Vec<u32>, put: &mut dyn FnMut(usize, &[u32])) -> Result<()> {
        let mut places = window.places.iter();
        for (first, count) in &window.parts {
            part.resize(count * self.words, 0);
            self.read(*first, part)?;
            for (row, place) in part.chunks_exact(self.words).zip(&mut places) {
                put(*place as usize, row);
            }
        }
        Ok(())
    }
}
