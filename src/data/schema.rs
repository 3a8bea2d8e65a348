//! Which columns of a file are what: chosen from the training file, then applied by name to every other file.

use crate::error::Result;
use serde::{Deserialize, Serialize};

use super::block::Block;
use super::inputs::{Added, Columns, Encoding, Inputs};
use super::means::fill_means;
use super::source::Header;
use super::table::check_rows;
use super::target::{Encoder, TargetRule, TargetScan};
use super::weight::WeightColumn;
use super::{Dataset, RawTable, Targets};

/// The columns that a network was trained on. Kept in the run folder, so that other files are read by column name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The features, in the order of the network's inputs: columns, or with an encoding what it makes of them.
    pub features: Vec<String>,
    /// Target columns.
    pub target: Vec<String>,
    /// The classes by index, where the target is one column of classes; `None` where targets are numbers.
    pub classes: Option<Vec<String>>,
    /// How columns become features, where not each of them is a column of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Rows, columns and channels, where the samples are pictures of a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<[usize; 3]>,
    /// The column of the rows' weights in the loss, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_weight: Option<String>,
}

impl Schema {
    /// Whether features and encoding belong together: a schema comes from a file, and a file may have been changed.
    pub fn is_consistent(&self) -> bool {
        self.encoding.as_ref().is_none_or(|encoding| encoding.features() == self.features)
    }

    /// How the features are read from another file.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a missing column, and for pictures of another size than those of the training.
    pub fn inputs(&self, header: &Header) -> Result<Inputs> {
        let shape = |[rows, columns, channels]: [usize; 3]| {
            format!("{rows} x {columns} pixels in {}", if channels == 1 { "gray" } else { "colour" })
        };
        match (self.pictures, header.pictures) {
            (Some(known), Some(found)) if known != found => Err(header.file_error(format!(
                "these pictures are of {}, the network takes those of {}. Make them so, or train with data.images.size, to \
                 which every picture is then resized",
                shape(found),
                shape(known)
            ))),
            (None, Some(_)) => Err(header.file_error(
                "this is a folder of pictures, and the network was not trained on one. Name a file like that of its training",
            )),
            _ => Inputs::find(header, &self.features, self.encoding.as_ref()),
        }
    }
}

impl RawTable {
    /// Makes a data set of a training file and says which columns it took: every column that is not in `target` is a
    /// feature.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::Error::Data) with file, line and column: a target column that does not exist, no feature
    /// column left, a feature that is not a finite number, targets that do not suit the loss or the number of outputs.
    pub fn dataset(&self, target: &[String], rule: TargetRule) -> Result<(Dataset, Schema)> {
        self.dataset_of(&Columns::default(), target, rule)
    }

    /// The same with the features that `columns` says; every row counts for the means of missing numbers.
    ///
    /// # Errors
    ///
    /// As [`RawTable::dataset`]; also for columns that do not exist.
    pub fn dataset_of(&self, columns: &Columns, target: &[String], rule: TargetRule) -> Result<(Dataset, Schema)> {
        let (mut data, mut schema) = self.unfilled(columns, target, rule)?;
        let rows: Vec<u32> = (0..data.rows as u32).collect();
        fill_means(&mut data, &mut schema, &rows, &self.header.path)?;
        Ok((data, schema))
    }

    /// The same with NaN for what the mean of the training rows is to stand for; [`fill_means`] puts it there.
    ///
    /// # Errors
    ///
    /// As [`RawTable::dataset_of`].
    pub(crate) fn unfilled(&self, columns: &Columns, target: &[String], rule: TargetRule) -> Result<(Dataset, Schema)> {
        let targets = self.header.targets(target)?;
        let features = columns.positions(&self.header, &targets)?;
        let encoding = columns.fit(&self.header, &features, &mut |take| self.blocks.iter().try_for_each(take))?;
        let names: Vec<String> = features.iter().map(|&c| self.columns()[c].clone()).collect();
        let inputs = Inputs::find(&self.header, &names, encoding.as_ref())?;
        let mut scan = TargetScan::new(&self.header, &targets, rule)?;
        let weight = WeightColumn::find(&self.header, columns.sample_weight.as_deref())?;
        let (mut x, mut seen, mut values) = (Vec::new(), Vec::with_capacity(self.rows()), Vec::new());
        let mut weights = Vec::new();
        self.each_row(|block, row| {
            if inputs.add(block, row, &mut x)? == Added::Row {
                seen.push(scan.add(block, row, &mut values)?);
                weights.extend(weight.of(block, row)?);
            }
            Ok(())
        })?;
        let classes = scan.classes(&self.header)?;
        let targets = scan.targets(classes.as_deref(), &seen, values)?;
        let features = encoding.as_ref().map_or(names, Encoding::features);
        let schema = Schema {
            features: features.clone(),
            target: target.to_vec(),
            classes,
            encoding,
            pictures: self.header.pictures,
            sample_weight: columns.sample_weight.clone(),
        };
        Ok((Dataset { weights, ..self.filled(features, x, targets)? }, schema))
    }

    /// Makes a data set of another file for a network that was trained with `schema`. Columns are found by name;
    /// columns that the schema does not know are ignored. The column of weights may be there or not.
    ///
    /// # Errors
    ///
    /// As [`RawTable::dataset`]; also a missing feature column, and a class that did not occur in training.
    pub fn dataset_as(&self, schema: &Schema, rule: TargetRule) -> Result<Dataset> {
        let inputs = schema.inputs(&self.header)?;
        let target = self.header.targets(&schema.target)?;
        let mut encoder = Encoder::new(&self.header, &target, schema.classes.as_deref(), rule)?;
        let weighted = schema.sample_weight.as_deref().filter(|name| self.header.position(name).is_some());
        let weight = WeightColumn::find(&self.header, weighted)?;
        let (mut x, mut targets, mut weights) = (Vec::new(), encoder.targets(), Vec::new());
        self.each_row(|block, row| match inputs.add(block, row, &mut x)? {
            Added::Row => {
                weights.extend(weight.of(block, row)?);
                encoder.add(block, row, &mut targets)
            }
            Added::Skipped { .. } => Ok(()),
        })?;
        encoder.finish()?;
        Ok(Dataset { weights, ..self.filled(schema.features.clone(), x, targets)? })
    }

    /// Makes a data set without targets (`Numbers` of width 0), to predict on; target columns may be there or not.
    ///
    /// # Errors
    ///
    /// A missing feature column, or a feature that is not a finite number.
    pub fn features_as(&self, schema: &Schema) -> Result<Dataset> {
        let inputs = schema.inputs(&self.header)?.without_skipping();
        let mut x = Vec::new();
        self.each_row(|block, row| inputs.add(block, row, &mut x).map(drop))?;
        self.filled(schema.features.clone(), x, Targets::Numbers { width: 0, values: Vec::new() })
    }

    /// A data set of the rows that were not passed over.
    fn filled(&self, features: Vec<String>, x: Vec<f64>, targets: Targets) -> Result<Dataset> {
        let rows = x.len() / features.len().max(1);
        check_rows(&self.header, rows as u64)?;
        Ok(Dataset { features, rows, x, targets, weights: Vec::new() })
    }

    fn each_row(&self, mut take: impl FnMut(&Block, usize) -> Result<()>) -> Result<()> {
        self.blocks.iter().try_for_each(|block| (0..block.rows()).try_for_each(|row| take(block, row)))
    }
}
