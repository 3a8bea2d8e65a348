//! Reading another file as the training file was: into pieces, into memory, or beyond it into a file of rows.

use super::cache::{CacheWriter, RowCache};
use super::read::{Refusal, Tolerance, read_rows};
use super::source::{Header, Source, open_file};
use super::target::{Encoder, TargetRule};
use super::weight::WeightColumn;
use super::{Dataset, Scaler, Schema};
use crate::error::{Error, Result};
use crate::exec::memory::free_bytes;
use crate::kernels::Scalar;
use crate::spec::DataFile;
use std::path::Path;
use std::sync::Arc;

/// How another file is read as the training file was.
#[derive(Debug, Clone, Copy)]
pub struct Like<'a> {
    /// Columns and classes.
    pub schema: &'a Schema,
    /// The scaling.
    pub scaler: &'a Scaler,
    /// What the targets are for; none for rows to predict on, which need not have the target columns.
    pub rule: Option<TargetRule>,
    /// Whether the rows' own weights are read. Where nothing is learnt from the rows they need none.
    pub weighted: bool,
}

impl Like<'_> {
    /// No rows yet.
    pub fn blank<T: Scalar>(&self) -> Dataset<T> {
        Dataset::blank(self.schema.features.len(), self.rule)
    }
}

/// Adds each row of another file to `rows`, scaled, and calls `taken` after each; it may take rows out of `rows`. Returns the
/// number of rows.
///
/// # Errors
/// [`crate::Error::Data`], also for a missing column, and a class that did not occur in training; what `taken` fails with.
pub fn each_row<T: Scalar>(
    source: &mut dyn Source,
    like: &Like<'_>,
    tolerance: &mut Tolerance,
    rows: &mut Dataset<T>,
    taken: &mut dyn FnMut(&mut Dataset<T>) -> Result<()>,
) -> Result<u64> {
    let header = Arc::clone(source.header());
    let mut inputs = like.schema.inputs(&header)?;
    let weight = like.schema.sample_weight.as_deref().filter(|_| like.weighted);
    let weight = WeightColumn::find(&header, weight)?;
    let mut encoder = match like.rule {
        Some(rule) => {
            let target = header.targets(&like.schema.target)?;
            Some(Encoder::new(&header, &target, like.schema.classes.as_deref(), rule)?)
        }
        None => {
            inputs = inputs.without_skipping();
            None
        }
    };
    let mut scaled = Vec::new();
    let count = read_rows(source, &inputs, tolerance, &mut |block, row, x| {
        let weight = weight.of(block, row).map_err(Refusal::Row)?;
        if let Some(encoder) = &mut encoder {
            encoder.add(block, row, &mut rows.targets).map_err(Refusal::Row)?;
        }
        scaled.clear();
        scaled.extend_from_slice(x);
        like.scaler.apply(&mut scaled);
        rows.push_features(&scaled);
        rows.weights.extend(weight);
        Ok(taken(rows)?)
    })?;
    encoder.iter().try_for_each(Encoder::finish)?;
    Ok(count)
}

/// Samples where they are kept.
pub enum Kept {
    /// In memory.
    Memory(Dataset<f32>),
    /// In a file.
    File(RowCache),
}

/// Reads another labelled file, scaled: up to `hold_bytes` into memory, more into a file in `folder`.
///
/// # Errors
/// As [`each_row`]; [`crate::Error::Io`].
pub fn keep(
    source: &mut dyn Source,
    like: &Like<'_>,
    hold_bytes: u64,
    folder: &Path,
    tolerance: &mut Tolerance,
) -> Result<Kept> {
    let (mut rows, mut words, mut file) = (like.blank(), Vec::new(), None);
    each_row(source, like, tolerance, &mut rows, &mut |rows: &mut Dataset<f32>| {
        if file.is_none() && rows.size_bytes() as u64 <= hold_bytes {
            return Ok(());
        }
        rows.words(0, &mut words);
        let file = match &mut file {
            Some(file) => file,
            none => none.insert(CacheWriter::new(folder, words.len())?),
        };
        for row in 0..rows.rows {
            rows.words(row, &mut words);
            file.push(&words)?;
        }
        // The rows that were held give their memory back; from here on there is one at a time.
        if rows.rows == 1 {
            rows.clear()
        } else {
            *rows = rows.blank_like()
        }
        Ok(())
    })?;
    Ok(match file {
        Some(file) => Kept::File(file.finish()?),
        None => Kept::Memory(rows),
    })
}

/// Reads another file whole into memory, scaled.
///
/// # Errors
/// As [`each_row`]; a file that takes more than half of the memory that is free.
pub fn read_like<T: Scalar>(file: &DataFile, like: &Like<'_>, tolerance: &mut Tolerance) -> Result<Dataset<T>> {
    let mut source = open_file(file)?;
    let header = Arc::clone(source.header());
    let most = most_bytes();
    let mut rows = like.blank();
    each_row(source.as_mut(), like, tolerance, &mut rows, &mut |rows: &mut Dataset<T>| {
        if rows.size_bytes() as u64 <= most { Ok(()) } else { Err(too_large(&header, rows.rows as u64)) }
    })?;
    Ok(rows)
}

/// Bytes that a file read whole may take: half of what is free.
pub(super) fn most_bytes() -> u64 {
    free_bytes().map_or(u64::MAX, |free| free / 2)
}

pub(super) fn too_large(header: &Header, rows: u64) -> Error {
    header.file_error(format!(
        "its first {rows} rows take more than half of the memory that is free. Divide the file, or close other programs"
    ))
}
