//! Which columns of a file are what: chosen from the training file, then applied by name to every other file.

use crate::error::Result;
use serde::{Deserialize, Serialize};

use super::target::{TargetRule, choose_classes, encode};
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

impl RawTable {
    /// Makes a data set of a training file and says which columns it took: every column that is not in `target` is a
    /// feature.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::Error::Data) with file, line and column: a target column that does not exist, no feature
    /// column left, a feature that is not a finite number, targets that do not suit the loss or the number of outputs.
    pub fn dataset(&self, target: &[String], rule: TargetRule) -> Result<(Dataset, Schema)> {
        let target_columns = self.target_positions(target)?;
        let feature_columns: Vec<usize> = (0..self.columns().len()).filter(|c| !target_columns.contains(c)).collect();
        if feature_columns.is_empty() {
            return Err(self.header_error(
                "no feature column is left: every column is a target. Add columns for the network's inputs",
            ));
        }
        let classes = choose_classes(self, &target_columns, rule)?;
        let schema = Schema {
            features: feature_columns.iter().map(|&c| self.columns()[c].clone()).collect(),
            target: target.to_vec(),
            classes,
        };
        let targets = encode(self, &target_columns, schema.classes.as_deref(), rule)?;
        Ok((self.with_features(&schema.features, &feature_columns, targets)?, schema))
    }

    /// Makes a data set of another file for a network that was trained with `schema`. Columns are found by name;
    /// columns that the schema does not know are ignored.
    ///
    /// # Errors
    ///
    /// As [`RawTable::dataset`]; also a missing feature column, and a class that did not occur in training.
    pub fn dataset_as(&self, schema: &Schema, rule: TargetRule) -> Result<Dataset> {
        let feature_columns = self.positions(&schema.features, "feature")?;
        let target_columns = self.target_positions(&schema.target)?;
        let targets = encode(self, &target_columns, schema.classes.as_deref(), rule)?;
        self.with_features(&schema.features, &feature_columns, targets)
    }

    /// Makes a data set without targets (`Numbers` of width 0), to predict on; target columns may be there or not.
    ///
    /// # Errors
    ///
    /// A missing feature column, or a feature that is not a finite number.
    pub fn features_as(&self, schema: &Schema) -> Result<Dataset> {
        let feature_columns = self.positions(&schema.features, "feature")?;
        let targets = Targets::Numbers { width: 0, values: Vec::new() };
        self.with_features(&schema.features, &feature_columns, targets)
    }

    fn target_positions(&self, target: &[String]) -> Result<Vec<usize>> {
        let positions = self.positions(target, "target")?;
        match (1..positions.len()).find(|&i| positions[..i].contains(&positions[i])) {
            Some(i) => Err(self.header_error(format!("the target column \"{}\" is listed twice", target[i]))),
            None => Ok(positions),
        }
    }

    fn with_features(&self, names: &[String], columns: &[usize], targets: Targets) -> Result<Dataset> {
        Ok(Dataset { features: names.to_vec(), rows: self.rows(), x: self.numbers(columns)?, targets })
    }
}
