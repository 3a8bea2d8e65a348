//! Which columns of a file are what: chosen from the training file, then applied by name to every other file.

use crate::error::Result;
use serde::{Deserialize, Serialize};

use super::inputs::{Encoding, Inputs};
use super::like::{Like, read_like};
use super::source::Header;
use super::target::TargetRule;
use super::{Dataset, Scaler, Tolerance};
use crate::spec::DataFile;

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

    /// Reads another labelled file whole for a network that was trained with this schema, not scaled and without weights.
    /// Columns are found by name; those that the schema does not know are ignored.
    ///
    /// # Errors
    /// As `read`; also a missing feature column, and a class that did not occur in training.
    pub fn read(&self, file: &DataFile, rule: TargetRule, tolerance: &mut Tolerance) -> Result<Dataset> {
        read_like(file, &Like { schema: self, scaler: &Scaler::None, rule: Some(rule), weighted: false }, tolerance)
    }

    /// Reads a file to predict on, whole, which need not have targets: they are `Numbers` of width 0.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a missing feature column, or a feature that is not a finite number.
    pub fn read_features(&self, file: &DataFile) -> Result<Dataset> {
        let like = Like { schema: self, scaler: &Scaler::None, rule: None, weighted: false };
        read_like(file, &like, &mut Tolerance::default())
    }
}
