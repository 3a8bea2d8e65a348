//! Loading a data file for training: into memory while it fits, else into a file of rows.
//!
//! A file that does not fit is read twice. The first reading finds the classes, the scaling and the number of rows; the
//! second one writes the rows, scaled. What the numbers are like decides nothing about how they are read, so that both
//! readings pass over the same malformed rows.

use super::block::Block;
use super::cache::{CacheWriter, RowCache};
use super::inputs::{Columns, Encoding, Inputs, Missing};
use super::means::MeanFit;
use super::read::{Refusal, Tolerance, read_rows};
use super::rng::held_out;
use super::scale::{Fit, Scale, Scaler};
use super::source::{Header, Source, open_file};
use super::target::{Encoder, Seen, TargetRule, TargetScan};
use super::weight::WeightColumn;
use super::{Dataset, Schema, Targets};
use crate::error::Result;
use crate::spec::DataFile;
use crate::train::metrics::true_class;
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

/// Bytes of a sample as it goes to the device, without its weight.
pub fn sample_bytes(features: usize, rule: TargetRule) -> u64 {
    4 * (features as u64 + if rule.loss.takes_class() { 1 } else { rule.outputs as u64 })
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
    let mut first = First {
        scan: TargetScan::new(&header, &targets, wish.rule)?,
        held: Some(Held::default()),
        most: usize::try_from(wish.memory_bytes / sample_bytes(inputs.width(), wish.rule)).unwrap_or(usize::MAX),
        fit: Fit::new(wish.scale, inputs.width()),
        means: MeanFit::new(if wish.columns.missing == Missing::Mean { inputs.width() } else { 0 }),
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
            let data = Dataset { features: schema.features.clone(), rows: rows as usize, x, targets, weights };
            Ok(Loaded::Whole(data, schema))
        }
        None => {
            first.means.finish(&mut schema, &file.path)?;
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
    means: MeanFit,
    held_out: Option<(f64, u64)>,
    rows: u64,
    values: Vec<f64>,
    weight: WeightColumn,
}

#[derive(Default)]
struct Held {
    x: Vec<f64>,
    values: Vec<f64>,
    seen: Vec<Seen>,
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

/// Reads a large file a second time and writes its rows, scaled, into files in `folder`: those to train on, and those held
/// out where there are any.
///
/// # Errors
/// [`crate::Error::Data`], also for a file that is no longer the one that was surveyed; [`crate::Error::Io`].
pub fn cache(
    file: &DataFile,
    wish: &Wish<'_>,
    survey: &Survey,
    folder: &Path,
    allowed: usize,
) -> Result<(RowCache, Option<RowCache>)> {
    let mut source = open_file(file)?;
    let header = Arc::clone(source.header());
    let like = Like { schema: &survey.schema, scaler: &survey.scaler, rule: wish.rule, hold_bytes: 0 };
    let mut writer = RowWriter::new(&header, &like, survey.schema.sample_weight.as_deref())?;
    let mut train = CacheWriter::new(folder, writer.words, 0);
    let mut rest = wish.held_out.map(|_| CacheWriter::new(folder, writer.words, 0));
    let mut index = 0;
    let inputs = survey.schema.inputs(&header)?;
    let mut tolerance = Tolerance::new(allowed);
    let rows = read_rows(source.as_mut(), &inputs, &mut tolerance, &mut |block, row, x| {
        let words = writer.words_of(block, row, x)?;
        match &mut rest {
            Some(rest) if is_held_out(wish.held_out, index) => rest.push(words)?,
            _ => {
                if let Some(classes) = &survey.schema.classes {
                    train.count_class(class_of(&words[x.len()..], wish.rule), classes.len());
                }
                train.push(words)?;
            }
        }
        index += 1;
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

/// The class that the words of a target say.
fn class_of(words: &[u32], rule: TargetRule) -> usize {
    // A weight may follow.
    match words.first() {
        Some(class) if rule.loss.takes_class() => *class as usize,
        _ => {
            let numbers = words.iter().take(rule.outputs);
            true_class(&numbers.map(|word| f32::from_bits(*word)).collect::<Vec<_>>())
        }
    }
}

/// How another file is read as the training file was.
#[derive(Debug, Clone, Copy)]
pub struct Like<'a> {
    /// Columns and classes.
    pub schema: &'a Schema,
    /// The scaling.
    pub scaler: &'a Scaler,
    /// What the targets are for.
    pub rule: TargetRule,
    /// Bytes of samples that are held in memory; more go to a file.
    pub hold_bytes: u64,
}

/// Reads another labelled file, scaled. More than may be held go to a file in `folder`.
///
/// # Errors
/// As [`cache`]; also a missing column, and a class that did not occur in training.
pub fn cache_like(
    source: &mut dyn Source,
    like: &Like<'_>,
    folder: &Path,
    tolerance: &mut Tolerance,
) -> Result<RowCache> {
    let words = (sample_bytes(like.schema.features.len(), like.rule) / 4) as usize;
    let mut out = CacheWriter::new(folder, words, like.hold_bytes);
    each_row_like(source, like, tolerance, &mut |words| out.push(words))?;
    out.finish()
}

/// Hands each row of another labelled file to `take`, scaled: the words of its features, then those of its target.
///
/// # Errors
/// As [`cache_like`]; what `take` fails with.
pub fn each_row_like(
    source: &mut dyn Source,
    like: &Like<'_>,
    tolerance: &mut Tolerance,
    take: &mut dyn FnMut(&[u32]) -> Result<()>,
) -> Result<u64> {
    let header = Arc::clone(source.header());
    let inputs = like.schema.inputs(&header)?;
    // Nothing is learnt from these rows, so that they need no weights.
    let mut writer = RowWriter::new(&header, like, None)?;
    let rows = read_rows(source, &inputs, tolerance, &mut |block, row, x| {
        let words = writer.words_of(block, row, x)?;
        Ok(take(words)?)
    })?;
    writer.encoder.finish()?;
    Ok(rows)
}

/// Hands the features of each row of a file, which need not have the target column, to `take`, scaled.
///
/// # Errors
/// [`crate::Error::Data`]; what `take` fails with.
pub fn each_features(
    source: &mut dyn Source,
    schema: &Schema,
    scaler: &Scaler,
    take: &mut dyn FnMut(&[f64]) -> Result<()>,
) -> Result<u64> {
    let inputs = schema.inputs(source.header())?.without_skipping();
    let mut scaled = Vec::new();
    read_rows(source, &inputs, &mut Tolerance::default(), &mut |_, _, x| {
        scaled.clear();
        scaled.extend_from_slice(x);
        scaler.apply(&mut scaled);
        Ok(take(&scaled)?)
    })
}

/// Makes the words of a row.
struct RowWriter<'a> {
    encoder: Encoder,
    scaler: &'a Scaler,
    /// Words of a row.
    words: usize,
    x: Vec<f64>,
    row: Vec<u32>,
    targets: Targets,
    weight: WeightColumn,
}

impl RowWriter<'_> {
    fn new<'a>(header: &Header, like: &Like<'a>, weight: Option<&str>) -> Result<RowWriter<'a>> {
        let target = header.targets(&like.schema.target)?;
        let encoder = Encoder::new(header, &target, like.schema.classes.as_deref(), like.rule)?;
        Ok(RowWriter {
            words: (sample_bytes(like.schema.features.len(), like.rule) / 4) as usize + usize::from(weight.is_some()),
            weight: WeightColumn::find(header, weight)?,
            scaler: like.scaler,
            x: Vec::new(),
            row: Vec::new(),
            targets: encoder.targets(),
            encoder,
        })
    }

    fn words_of(&mut self, block: &Block, row: usize, x: &[f64]) -> std::result::Result<&[u32], Refusal> {
        match &mut self.targets {
            Targets::Classes(classes) => classes.clear(),
            Targets::Numbers { values, .. } => values.clear(),
        }
        let weight = self.weight.of(block, row).map_err(Refusal::Row)?;
        self.encoder.add(block, row, &mut self.targets).map_err(Refusal::Row)?;
        self.x.clear();
        self.x.extend_from_slice(x);
        self.scaler.apply(&mut self.x);
        self.row.clear();
        let bits = |v: &f64| (*v as f32).to_bits();
        self.row.extend(self.x.iter().map(bits));
        match &self.targets {
            Targets::Classes(classes) => self.row.extend(classes),
            Targets::Numbers { values, .. } => self.row.extend(values.iter().map(bits)),
        }
        self.row.extend(weight.iter().map(bits));
        Ok(&self.row)
    }
}
