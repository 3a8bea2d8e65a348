//! Loading a training file: into memory while it fits, else into a file of rows.
//!
//! A file that does not fit is read twice. The first reading finds the classes, the scaling and the number of rows; the
//! second one writes the rows, scaled. What the numbers are like decides nothing about how they are read, so that both
//! readings pass over the same malformed rows.

use super::block::Block;
use super::cache::{CacheWriter, RowCache};
use super::inputs::{Columns, Encoding, Inputs};
use super::like::{Like, each_row, most_bytes, too_large};
use super::means::{fill_means, keep_means, mean_fit};
use super::read::{Refusal, Tolerance, read_rows};
use super::rng::held_out;
use super::scale::{Fit, Scale, Scaler};
use super::source::open_file;
use super::target::{TargetRule, TargetScan};
use super::weight::WeightColumn;
use super::{Dataset, Schema};
use crate::error::Result;
use crate::kernels::Scalar;
use crate::spec::DataFile;
use std::path::Path;
use std::sync::Arc;

/// What is asked of a training file.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Feature columns.
    pub columns: &'a Columns,
    /// Target columns.
    pub target: &'a [String],
    /// What the targets are for.
    pub rule: TargetRule,
    /// Bytes of samples, as 32-bit numbers, that are held in memory.
    pub memory_bytes: u64,
    /// Scaling of a file that does not fit.
    pub scale: Scale,
    /// Fraction and seed of the rows of such a file that are held out.
    pub held_out: Option<(f64, u64)>,
}

/// A training file, read.
pub enum Loaded {
    /// All samples, not scaled, with NaN for what the mean of the training rows is to stand for.
    Whole(Dataset, Schema),
    /// More than fit in memory.
    Large(Survey),
}

impl Loaded {
    /// Columns and classes; means of missing numbers are not known yet where the file is held whole.
    pub fn schema(&self) -> &Schema {
        match self {
            Loaded::Whole(_, schema) => schema,
            Loaded::Large(survey) => &survey.schema,
        }
    }
}

/// What the first reading of a large file found.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Its columns and classes.
    pub schema: Schema,
    /// The scaling, fitted to the rows that are not held out.
    pub scaler: Scaler,
    /// Rows that are good.
    pub rows: u64,
}

/// Reads a training file.
///
/// # Errors
/// [`crate::Error::Data`].
pub fn load(file: &DataFile, wish: &Wish<'_>, tolerance: &mut Tolerance) -> Result<Loaded> {
    super::pictures::require_classes(file)?;
    let mut source = open_file(file)?;
    let header = Arc::clone(source.header());
    let targets = header.targets(wish.target)?;
    let features = wish.columns.positions(&header, &targets)?;
    // Categories and means must be known before the first row is made into numbers.
    let encoding = match wish.columns.is_plain() {
        true => None,
        false => wish.columns.fit_source(open_file(file)?.as_mut(), &features)?,
    };
    let names: Vec<String> = features.iter().map(|&c| header.columns[c].clone()).collect();
    let inputs = Inputs::find(&header, &names, encoding.as_ref())?;
    let sample_bytes = 4 * Dataset::<f32>::blank(inputs.width(), Some(wish.rule)).plain_words() as u64;
    let mut first = First {
        scan: TargetScan::new(&header, &targets, wish.rule)?,
        held: Some(Held::default()),
        most: usize::try_from(wish.memory_bytes / sample_bytes).unwrap_or(usize::MAX),
        fit: Fit::new(wish.scale, inputs.width()),
        means: mean_fit(wish.columns.missing, inputs.width()),
        held_out: wish.held_out,
        rows: 0,
        values: Vec::new(),
        weight: WeightColumn::find(&header, wish.columns.sample_weight.as_deref())?,
    };
    let rows = read_rows(source.as_mut(), &inputs, tolerance, &mut |block, row, x| first.take(block, row, x))?;
    let classes = first.scan.classes(&header)?;
    let features = encoding.as_ref().map_or(names, Encoding::features);
    let mut schema = Schema {
        features,
        target: wish.target.to_vec(),
        classes,
        encoding,
        pictures: header.pictures,
        sample_weight: wish.columns.sample_weight.clone(),
    };
    match first.held {
        Some(Held { x, values, seen, weights }) => {
            let targets = first.scan.targets(schema.classes.as_deref(), &seen, values)?;
            let data = Dataset { inputs: schema.features.len(), rows: rows as usize, x, targets, weights };
            Ok(Loaded::Whole(data, schema))
        }
        None => {
            keep_means(&first.means, &mut schema, &file.path)?;
            Ok(Loaded::Large(Survey { schema, scaler: first.fit.finish(), rows }))
        }
    }
}

/// The first reading.
struct First {
    scan: TargetScan,
    /// The rows so far, while they fit.
    held: Option<Held>,
    /// Rows that fit.
    most: usize,
    fit: Fit,
    means: Fit,
    held_out: Option<(f64, u64)>,
    rows: u64,
    values: Vec<f64>,
    weight: WeightColumn,
}

#[derive(Default)]
struct Held {
    x: Vec<f64>,
    values: Vec<f64>,
    seen: Vec<u32>,
    weights: Vec<f64>,
}

impl First {
    fn take(&mut self, block: &Block, row: usize, x: &[f64]) -> std::result::Result<(), Refusal> {
        let most = self.most;
        let weight = self.weight.of(block, row).map_err(Refusal::Row)?;
        if let Some(held) = self.held.as_mut().filter(|held| held.seen.len() < most) {
            held.seen.push(self.scan.add(block, row, &mut held.values).map_err(Refusal::Row)?);
            held.x.extend_from_slice(x);
            held.weights.extend(weight);
            self.rows += 1;
            return Ok(());
        }
        self.values.clear();
        self.scan.add(block, row, &mut self.values).map_err(Refusal::Row)?;
        if let Some(held) = self.held.take() {
            // One row more than fit: from here on none is held.
            held.x.chunks_exact(x.len()).zip(0..).for_each(|(x, row)| self.fit_row(row, x));
        }
        self.fit_row(self.rows, x);
        self.rows += 1;
        Ok(())
    }

    fn fit_row(&mut self, row: u64, x: &[f64]) {
        if !is_held_out(self.held_out, row) {
            self.fit.add(x);
            self.means.add(x);
        }
    }
}

fn is_held_out(held: Option<(f64, u64)>, row: u64) -> bool {
    held.is_some_and(|(fraction, seed)| held_out(seed, row, fraction))
}

/// Reads a large file a second time and writes its rows, scaled and in the precision `T`, into files in `folder`: those to train
/// on, and those held out where there are any.
///
/// # Errors
/// [`crate::Error::Data`], also for a file that is no longer the one that was surveyed; [`crate::Error::Io`].
pub fn cache<T: Scalar>(
    file: &DataFile,
    wish: &Wish<'_>,
    survey: &Survey,
    folder: &Path,
    allowed: usize,
) -> Result<(RowCache, Option<RowCache>)> {
    let mut source = open_file(file)?;
    let header = Arc::clone(source.header());
    let Survey { schema, scaler, .. } = survey;
    let like = Like { schema, scaler, rule: Some(wish.rule), weighted: schema.sample_weight.is_some() };
    let (mut row, mut words) = (like.blank::<T>(), Vec::new());
    let width = row.plain_words() + usize::from(like.weighted);
    let mut train = CacheWriter::new(folder, width)?;
    let mut rest = wish.held_out.map(|_| CacheWriter::new(folder, width)).transpose()?;
    let mut index = 0;
    let rows = each_row(source.as_mut(), &like, &mut Tolerance::new(allowed), &mut row, &mut |row| {
        row.words(0, &mut words);
        match &mut rest {
            Some(rest) if is_held_out(wish.held_out, index) => rest.push(&words)?,
            _ => {
                if let Some(classes) = &schema.classes {
                    train.count_class(row.class_of(0), classes.len());
                }
                train.push(&words)?;
            }
        }
        index += 1;
        row.clear();
        Ok(())
    })?;
    if rows != survey.rows {
        return Err(header.file_error(format!(
            "the file has changed while it was read: it had {} rows, now it has {rows}. Train again when it is complete",
            survey.rows
        )));
    }
    let (train, rest) = (train.finish()?, rest.map(CacheWriter::finish).transpose()?);
    if train.rows() == 0 || rest.as_ref().is_some_and(|r| r.rows() == 0) {
        return Err(header.file_error(format!(
            "of {rows} rows, each held out for validation by chance, none is left on one side. Choose another fraction or \
             name a file in `validation`"
        )));
    }
    Ok((train, rest))
}

/// Reads a training file whole, not scaled, and says which columns it took; every row counts for the means of missing numbers.
///
/// # Errors
/// [`crate::Error::Data`] with file, line and column: a file that cannot be read, or takes more than half of the memory that is
/// free; a column that does not exist; no feature column left; a feature that is not a finite number; targets that do not suit
/// the loss or the number of outputs.
pub fn read(
    file: &DataFile,
    columns: &Columns,
    target: &[String],
    rule: TargetRule,
    tolerance: &mut Tolerance,
) -> Result<(Dataset, Schema)> {
    // Held in f64, twice what `memory_bytes` counts.
    read_within(most_bytes() / 2, file, columns, target, rule, tolerance)
}

/// As [`read`], of a file whose samples take at most `memory_bytes` as 32-bit numbers.
///
/// # Errors
/// As [`read`].
pub fn read_within(
    memory_bytes: u64,
    file: &DataFile,
    columns: &Columns,
    target: &[String],
    rule: TargetRule,
    tolerance: &mut Tolerance,
) -> Result<(Dataset, Schema)> {
    let wish = Wish { columns, target, rule, memory_bytes, scale: Scale::None, held_out: None };
    match load(file, &wish, tolerance)? {
        Loaded::Whole(mut data, mut schema) => {
            let rows: Vec<u32> = (0..data.rows as u32).collect();
            fill_means(&mut data, &mut schema, &rows, &file.path)?;
            Ok((data, schema))
        }
        Loaded::Large(survey) => Err(too_large(open_file(file)?.header(), survey.rows)),
    }
}
