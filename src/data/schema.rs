//! Which columns of a file are what: chosen from the training file, then applied by name to every other file.

use crate::error::Result;
use serde::{Deserialize, Serialize};

use super::block::Block;
use super::source::Header;
use super::target::{Encoder, TargetRule, TargetScan};
use super::{Dataset, RawTable, Targets};

/// The columns that a network was trained on. Kept in the run folder, so that other files are read by column name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Feature columns, in the order of the network's inputs.
    pub features: Vec<String>,
    /// Target columns.
    pub target: Vec<String>,
    /// The classes by index, where the target is one column of classes; `None` where targets are numbers.
    pub classes: Option<Vec<String>>,
}

/// Positions of a training file's feature and target columns: every column that is not in `target` is a feature.
pub(super) fn training_columns(header: &Header, target: &[String]) -> Result<(Vec<usize>, Vec<usize>)> {
    let targets = header.targets(target)?;
    let mut is_target = vec![false; header.columns.len()];
    targets.iter().for_each(|&c| is_target[c] = true);
    let features: Vec<usize> = (0..header.columns.len()).filter(|&c| !is_target[c]).collect();
    if features.is_empty() {
        return Err(
            header.error("no feature column is left: every column is a target. Add columns for the network's inputs")
        );
    }
    Ok((features, targets))
}

/// Adds the cells of a row at `columns` to `x`, as finite numbers.
pub(super) fn add_features(block: &Block, row: usize, columns: &[usize], x: &mut Vec<f64>) -> Result<()> {
    columns.iter().try_for_each(|&column| {
        x.push(block.number(row, column)?);
        Ok(())
    })
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
        let (features, targets) = training_columns(&self.header, target)?;
        let mut scan = TargetScan::new(&self.header, &targets, rule)?;
        let (mut seen, mut values) = (Vec::with_capacity(self.rows()), Vec::new());
        self.each_row(|block, row| {
            seen.push(scan.add(block, row, &mut values)?);
            Ok(())
        })?;
        let classes = scan.classes(&self.header)?;
        let targets = scan.targets(classes.as_deref(), &seen, values)?;
        let names = features.iter().map(|&c| self.columns()[c].clone()).collect();
        let schema = Schema { features: names, target: target.to_vec(), classes };
        Ok((self.with_features(&schema.features, &features, targets)?, schema))
    }

    /// Makes a data set of another file for a network that was trained with `schema`. Columns are found by name;
    /// columns that the schema does not know are ignored.
    ///
    /// # Errors
    ///
    /// As [`RawTable::dataset`]; also a missing feature column, and a class that did not occur in training.
    pub fn dataset_as(&self, schema: &Schema, rule: TargetRule) -> Result<Dataset> {
        let features = self.header.positions(&schema.features, "feature")?;
        let target = self.header.targets(&schema.target)?;
        let mut encoder = Encoder::new(&self.header, &target, schema.classes.as_deref(), rule)?;
        let mut targets = encoder.targets();
        self.each_row(|block, row| encoder.add(block, row, &mut targets))?;
        encoder.finish()?;
        self.with_features(&schema.features, &features, targets)
    }

    /// Makes a data set without targets (`Numbers` of width 0), to predict on; target columns may be there or not.
    ///
    /// # Errors
    ///
    /// A missing feature column, or a feature that is not a finite number.
    pub fn features_as(&self, schema: &Schema) -> Result<Dataset> {
        let features = self.header.positions(&schema.features, "feature")?;
        self.with_features(&schema.features, &features, Targets::Numbers { width: 0, values: Vec::new() })
    }

    fn with_features(&self, names: &[String], columns: &[usize], targets: Targets) -> Result<Dataset> {
        let mut x = Vec::with_capacity(self.rows() * columns.len());
        self.each_row(|block, row| add_features(block, row, columns, &mut x))?;
        Ok(Dataset { features: names.to_vec(), rows: self.rows(), x, targets })
    }

    fn each_row(&self, mut take: impl FnMut(&Block, usize) -> Result<()>) -> Result<()> {
        self.blocks.iter().try_for_each(|block| (0..block.rows()).try_for_each(|row| take(block, row)))
    }
}
