//! The spec: a TOML file that says what to train on what, how.
//!
//! [`Spec::load`] reads it and checks it; every fault is reported with file, line and column. [`Spec::to_toml`] writes it
//! out with every default filled in.

mod choice;
mod class_weights;
pub mod draft;
mod early;
mod format;
mod images;
mod optimizer;
mod read;
mod reading;
mod schedule;
mod table;
pub(crate) mod write;

pub use class_weights::ClassWeights;
pub use format::Format;
pub use reading::Reading;
pub use schedule::{ScheduleSpec, Unit};

use crate::data::pictures::Images;
use crate::data::{Columns, Scale, TargetRule};
use crate::error::{Error, Result};
use crate::graph::{Activation, Clip, Loss, Optimizer, UpdateRule};
use crate::model::init::{Init, draw_parameters};
use crate::model::weights;
use crate::model::{Layer, LayerKind, Network, Tensor};
use crate::report::Monitor;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What to train on what, how.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Files and columns.
    pub data: DataSpec,
    /// Layers.
    pub model: ModelSpec,
    /// Loss, optimizer, lengths.
    pub train: TrainSpec,
}

/// `[data]`
#[derive(Debug, Clone, PartialEq)]
pub struct DataSpec {
    /// The training file.
    pub train: DataFile,
    /// The target columns, at least one.
    pub target: Vec<String>,
    /// Which columns are features, and what stands for missing values.
    pub columns: Columns,
    /// What the network is validated on, if anything.
    pub validation: Option<Validation>,
    /// Scaling of the features.
    pub scale: Scale,
    /// Rows and columns of pixels, where samples are pictures; only reports look at it. A square number of features from 64
    /// on is taken for a picture.
    pub image: Option<[usize; 2]>,
    /// How files are read.
    pub reading: Reading,
}

/// A data file that a spec names.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// As the spec says it: relative to the spec's folder, or absolute.
    pub written: String,
    /// Where that is, seen from the current folder.
    pub path: PathBuf,
    /// The array of the file that is meant: what stands behind `#` after the name of an npz or a safetensors file.
    pub array: Option<String>,
    /// The file of the targets, where they lie in one of their own.
    pub labels: Option<Box<DataFile>>,
    /// How a folder of pictures is read: `data.images`, or its defaults.
    pub images: Option<Images>,
}

impl DataFile {
    /// The file `written` in a spec that lies in `folder`.
    pub fn new(written: &str, folder: &Path) -> DataFile {
        let (file, array) = match written.rsplit_once('#') {
            // Other files have no arrays with names, and their own names may have a # in them.
            Some((file, array)) if has_named_arrays(file) && !array.is_empty() => (file, Some(array.to_owned())),
            _ => (written, None),
        };
        DataFile { written: written.to_owned(), path: folder.join(file), array, labels: None, images: None }
    }

    /// The file at `path` in the current folder, as a command line names it.
    pub fn at(path: &Path) -> DataFile {
        match path.to_str() {
            Some(written) => DataFile::new(written, Path::new("")),
            None => {
                DataFile { written: String::new(), path: path.to_path_buf(), array: None, labels: None, images: None }
            }
        }
    }

    /// The same, a folder of pictures read as that of a training was, which `images` says.
    pub fn with_images(self, images: Option<Images>) -> DataFile {
        DataFile { images, ..self }
    }

    /// The same with the targets in another file.
    pub fn with_labels(self, labels: DataFile) -> DataFile {
        DataFile { labels: Some(Box::new(labels)), ..self }
    }
}

fn has_named_arrays(file: &str) -> bool {
    let file = file.to_lowercase();
    file.ends_with(".npz") || file.ends_with(".safetensors")
}

/// `data.validation`
#[derive(Debug, Clone, PartialEq)]
pub enum Validation {
    /// This fraction of the training file's rows, between 0 and 1, both exclusive.
    Fraction(f64),
    /// The rows of a file of their own.
    File(DataFile),
}

/// `[model]`
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// Number of features, where the spec states it; otherwise the data decide.
    pub inputs: Option<usize>,
    /// `weights`: the file that training starts from; drawn where there is none.
    pub weights: Option<DataFile>,
    /// The layers, first to last, at least one.
    pub layers: Vec<LayerSpec>,
}

/// An entry of `[[model.layers]]`. The activation belongs to the entry: y = activation(what the kind computes).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerSpec {
    /// What the layer computes.
    pub kind: LayerKindSpec,
    /// Identity by default.
    pub activation: Activation,
}

/// What a layer computes: the one key of an entry that names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LayerKindSpec {
    /// `dense`: x w^T + b
    Dense {
        /// Outputs of the layer.
        outputs: usize,
        /// Whether there is a bias; true by default.
        bias: bool,
        /// How the weights are drawn; that of the model by default.
        init: Init,
    },
    /// `dropout`: the share of numbers that become 0 in training.
    Dropout(f64),
    /// `layer_norm`: each sample's numbers normalised.
    LayerNorm,
    /// `batch_norm`: each number normalised over the batch.
    BatchNorm,
}

impl LayerKindSpec {
    /// The key that names the kind.
    pub fn name(self) -> &'static str {
        match self {
            LayerKindSpec::Dense { .. } => "dense",
            LayerKindSpec::Dropout(_) => "dropout",
            LayerKindSpec::LayerNorm => "layer_norm",
            LayerKindSpec::BatchNorm => "batch_norm",
        }
    }
}

impl LayerSpec {
    /// A dense layer with a bias, its weights drawn by [`Init::Auto`].
    pub const fn dense(outputs: usize, activation: Activation) -> LayerSpec {
        LayerSpec { kind: LayerKindSpec::Dense { outputs, bias: true, init: Init::Auto }, activation }
    }

    /// The layer for `inputs` numbers a sample.
    fn layer(&self, inputs: usize) -> Layer {
        match self.kind {
            LayerKindSpec::Dense { outputs, bias, .. } => Layer::dense(inputs, outputs, self.activation, bias),
            LayerKindSpec::Dropout(p) => Layer::same_width(inputs, LayerKind::Dropout { p }, self.activation),
            LayerKindSpec::LayerNorm => Layer::same_width(inputs, LayerKind::LayerNorm, self.activation),
            LayerKindSpec::BatchNorm => Layer::same_width(inputs, LayerKind::BatchNorm, self.activation),
        }
    }
}

/// `[train]`
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSpec {
    /// What is made small.
    pub loss: Loss,
    /// How much the rows of each class count; all alike by default.
    pub class_weights: ClassWeights,
    /// How.
    pub optimizer: Optimizer,
    /// How its learning rate goes; constant by default.
    pub schedule: ScheduleSpec,
    /// How gradients are clipped, if at all.
    pub clip: Option<Clip>,
    /// Samples that go through the network at a time; 32 by default.
    pub batch_size: usize,
    /// Batches whose gradients are added for one optimizer step; 1 by default.
    pub accumulate: usize,
    /// Passes over the training rows; 10 by default.
    pub epochs: usize,
    /// Decides initial weights, split and order; 0 by default.
    pub seed: u64,
    /// Epochs from one validation to the next; 1 by default. The last epoch is always validated.
    pub validate_every: usize,
    /// When a run ends before its last epoch; never by default.
    pub early_stopping: Option<EarlyStopping>,
    /// When a run saves where it stands.
    pub checkpoint: CheckpointSpec,
}

/// `[train.early_stopping]`: a run ends when validation no longer gets better, and keeps the parameters of the best one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    /// The figure that decides; the validation loss by default.
    pub monitor: Monitor,
    /// So many validations without a better figure end the run; 5 by default.
    pub patience: usize,
    /// A figure is better when it is better than the best by more than this; 0 by default.
    pub min_delta: f64,
    /// Whether the run's model becomes that of the best validation; true by default.
    pub restore_best: bool,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping { monitor: Monitor::ValidationLoss, patience: 5, min_delta: 0.0, restore_best: true }
    }
}

impl TrainSpec {
    /// Samples of an optimizer step, all its parts together, of a training set of `rows`: a set smaller than a batch is one batch.
    pub fn batch_of(&self, rows: usize) -> usize {
        self.batch_size.saturating_mul(self.accumulate).min(rows)
    }

    /// The optimizer with its schedule, for a training set of `rows`.
    pub fn rule(&self, rows: usize) -> UpdateRule {
        let steps_per_epoch = rows.div_ceil(self.batch_of(rows).max(1));
        let schedule = self.schedule.resolved(steps_per_epoch as u64, self.epochs as u64);
        UpdateRule { optimizer: self.optimizer, schedule, clip: self.clip, accumulate: self.accumulate }
    }
}

/// `[train.checkpoint]`: when a run saves where it stands, beside its end and a stop by Ctrl-C or a signal. It has no
/// influence on what is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckpointSpec {
    /// After every so many optimizer steps, counted from the run's beginning; 0, the default, for not by steps.
    pub steps: usize,
    /// When the last one is this many minutes old; 1 by default, 0 for not by time.
    pub minutes: f64,
}

impl Default for CheckpointSpec {
    fn default() -> Self {
        // A minute is what one may lose to a power cut without a thought, and rare enough that a save costs nothing.
        CheckpointSpec { steps: 0, minutes: 1.0 }
    }
}

/// Sizes must be below this, 2^31: GPU kernels index with 32 bits and need room for an overshooting last group.
pub const SIZE_LIMIT: u64 = 1 << 31;

/// A spec is a page of text; what is larger is a file named by mistake, or a device without an end. The parser takes up to a
/// hundred times as much memory as text that is nothing but brackets.
const SPEC_BYTES: u64 = 1 << 20;

fn read_up_to(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Spec {
    /// Reads and checks the spec at `path`.
    ///
    /// # Errors
    ///
    /// [`Error::Spec`] with file, line and column.
    pub fn load(path: impl AsRef<Path>) -> Result<Spec> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let bytes = read_up_to(path, SPEC_BYTES + 1).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::spec(&place, "there is no such spec file. Check the path, or start from one in examples/")
            }
            _ => Error::spec(&place, format!("the spec file cannot be read: {e}")),
        })?;
        if bytes.len() as u64 > SPEC_BYTES {
            return Err(Error::spec(&place, "the file is larger than 1 MiB, so it is no spec. Name a TOML file"));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::spec(&place, "the spec file is not UTF-8 text. Save it as UTF-8 TOML"))?;
        Spec::parse(&text, path)
    }

    /// Checks the text of a spec. `path` is for the messages, and its folder is where relative data files lie.
    ///
    /// # Errors
    ///
    /// As [`Spec::load`].
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Spec> {
        read::spec(text, path.as_ref())
    }

    /// The same spec with absolute data paths, which means the same wherever the file is put.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the current folder cannot be found out; [`Error::Spec`] where a path is not UTF-8.
    pub fn with_absolute_paths(mut self) -> Result<Spec> {
        make_absolute(&mut self.data.train)?;
        if let Some(Validation::File(file)) = &mut self.data.validation {
            make_absolute(file)?;
        }
        self.model.weights.as_mut().map_or(Ok(()), make_absolute)?;
        Ok(self)
    }

    /// Outputs of the network: those of the last dense layer, for other layers leave the number as it is.
    pub fn outputs(&self) -> usize {
        let dense = |layer: &LayerSpec| match layer.kind {
            LayerKindSpec::Dense { outputs, .. } => Some(outputs),
            _ => None,
        };
        self.model.layers.iter().rev().find_map(dense).unwrap_or(0)
    }

    /// What the targets are for.
    pub fn target_rule(&self) -> TargetRule {
        TargetRule { loss: self.train.loss, outputs: self.outputs() }
    }

    /// What is allowed but probably not meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let Some(last) = self.model.layers.last() else { return Vec::new() };
        let mut warnings = Vec::new();
        match (self.train.loss, last.activation) {
            (Loss::CrossEntropy { .. }, Activation::Softmax) => warnings.push(
                "cross_entropy takes logits and applies softmax itself: with `activation = \"softmax\"` in the last \
                 layer it is applied twice, which slows learning. Leave the activation out"
                    .to_owned(),
            ),
            (Loss::CrossEntropy { .. } | Loss::BceWithLogits, Activation::Sigmoid) => warnings.push(format!(
                "{} takes logits, but the last layer's sigmoid keeps them between 0 and 1. Leave the activation out",
                self.train.loss.name()
            )),
            (Loss::BinaryCrossEntropy, activation)
                if !matches!(activation, Activation::Sigmoid | Activation::Softmax) =>
            {
                warnings.push(format!(
                    "binary_cross_entropy takes probabilities, but the last layer's activation is {}, which can leave \
                     the range 0 to 1. Use sigmoid, or the loss bce_with_logits",
                    activation.name()
                ));
            }
            _ => {}
        }
        if self.train.loss.takes_class() && self.outputs() == 1 {
            warnings.push(
                "cross_entropy with one output has nothing to learn: softmax over one class is always 1. Use one \
                 output for each class"
                    .to_owned(),
            );
        }
        warnings
    }
}

impl ModelSpec {
    /// The layers of a network that takes `features` numbers a sample.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] where the spec states another number of inputs.
    pub fn layers(&self, features: usize) -> Result<Vec<Layer>> {
        if let Some(inputs) = self.inputs.filter(|&inputs| inputs != features) {
            return Err(Error::Shape(format!(
                "the spec says model.inputs = {inputs}, the data have {features} feature columns. Correct `inputs`, or \
                 leave it out and let the data decide"
            )));
        }
        let mut inputs = features;
        let layers = self.layers.iter().map(|spec| {
            let layer = spec.layer(inputs);
            inputs = layer.outputs;
            layer
        });
        Ok(layers.collect())
    }

    /// The parameters that `network`, which is this model's, starts from: those of the file `weights`, or drawn as its layers'
    /// `init` says.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`], [`Error::Io`] where the file cannot be used.
    pub fn initial_parameters(&self, network: &Network, seed: u64) -> Result<Vec<Tensor>> {
        if let Some(file) = &self.weights {
            return weights::load(&file.path, &network.parameters(), false);
        }
        let init = |layer: &LayerSpec| match layer.kind {
            LayerKindSpec::Dense { init, .. } => init,
            _ => Init::Auto,
        };
        let inits: Vec<Init> = self.layers.iter().map(init).collect();
        Ok(draw_parameters(&network.layers, &inits, seed))
    }
}

fn make_absolute(file: &mut DataFile) -> Result<()> {
    let path = std::path::absolute(&file.path).map_err(|e| Error::io(&file.path, e))?;
    let Some(written) = path.to_str() else {
        let message = "the path is not UTF-8, so it cannot stand in a spec. Move the data file or rename its folder";
        return Err(Error::spec(path.display().to_string(), message));
    };
    file.written = file.array.as_ref().map_or_else(|| written.to_owned(), |array| format!("{written}#{array}"));
    file.path = path;
    file.labels.as_deref_mut().map_or(Ok(()), make_absolute)
}
