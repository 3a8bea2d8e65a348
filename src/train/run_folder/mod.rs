//! The run folder: what a run leaves on disk, each file whole at any moment.
//!
//! `spec.toml` (as resolved), `run.json` (all that the bits depend on), `preprocessing.json` (columns, classes, scaler),
//! `checkpoint.safetensors` and the one before it, `model.safetensors`, with early stopping `best.safetensors`, `metrics.jsonl` (a line an epoch), `report.json`,
//! `report.html`. The checkpoint is what a run goes on from; `model.safetensors` is a copy of its parameters for other
//! programs, which says of which step it is.

mod start;
mod state;

pub use start::Lock;
pub use state::Restored;

use super::record::RunRecord;
use crate::data::{Scaler, Schema, read_whole};
use crate::error::{Error, Result};
use crate::nn::disk::{Disk, SystemDisk, replace};
use crate::nn::{Network, Tensor};
use crate::report::{EpochRecord, Outcome, RunReport, html};
use crate::spec::{Format, Spec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `eval` and `predict` need to read other files as the training file was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Columns and classes.
    pub schema: Schema,
    /// Scaling of the features.
    pub scaler: Scaler,
}

/// A trained network with what its data need.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The resolved spec.
    pub spec: Spec,
    /// Columns, classes and scaler.
    pub preprocessing: Preprocessing,
    /// The network.
    pub network: Network,
    /// Its parameters.
    pub parameters: Vec<Tensor>,
}

/// What a file of the folder holds, behind the format that it states.
#[derive(Serialize)]
struct Stated<'a, T> {
    format: u64,
    #[serde(flatten)]
    content: &'a T,
}

/// What is read of such a file before anything else.
#[derive(Deserialize)]
struct Head {
    format: Option<u64>,
}

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
}

const SPEC: &str = "spec.toml";
const RECORD: &str = "run.json";
/// A record holds a spec, which has 16 MiB at most, and a few lines for each start.
const RECORD_BYTES: u64 = 64 << 20;
/// The other text files of a run have a line an epoch or a number a column: more than this is none of them.
const SIDE_FILE_BYTES: u64 = 256 << 20;
const PREPROCESSING: &str = "preprocessing.json";
const METRICS: &str = "metrics.jsonl";

impl RunFolder {
    /// Opens the folder of an existing run.
    ///
    /// # Errors
    /// [`Error::Spec`] when there is no run in it.
    pub fn open(dir: &Path) -> Result<RunFolder> {
        if !dir.join(SPEC).is_file() {
            let message = "this folder holds no run (no spec.toml). Give the folder that `wgrad train` wrote";
            return Err(Error::spec(dir.display().to_string(), message));
        }
        Ok(RunFolder { dir: dir.to_path_buf(), disk: Arc::new(SystemDisk) })
    }

    /// The same folder, written through `disk`.
    #[must_use]
    pub fn on(self, disk: Arc<dyn Disk>) -> RunFolder {
        RunFolder { disk, ..self }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The resolved spec.
    ///
    /// # Errors
    /// As [`Spec::load`].
    pub fn spec(&self) -> Result<Spec> {
        Spec::load(self.file(SPEC))
    }

    /// Writes the resolved spec.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_spec(&self, spec: &Spec) -> Result<()> {
        self.replace(SPEC, spec.to_toml().as_bytes())
    }

    /// Columns, classes and scaler.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] for a damaged file.
    pub fn preprocessing(&self) -> Result<Preprocessing> {
        let path = self.file(PREPROCESSING);
        let broken = |what: String| Error::data(path.display().to_string(), format!("{what}. Train again"));
        let found: Preprocessing = self.read_json(PREPROCESSING, SIDE_FILE_BYTES, broken)?;
        if !found.schema.is_consistent() {
            return Err(broken("not what wgrad wrote there: the features are not those of the encoding".to_owned()));
        }
        match found.scaler.width() {
            Some(width) if width != found.schema.features.len() => Err(broken(format!(
                "not what wgrad wrote there: {} features, but a scaler for {width}",
                found.schema.features.len()
            ))),
            _ => Ok(found),
        }
    }

    /// Writes columns, classes and scaler.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_preprocessing(&self, preprocessing: &Preprocessing) -> Result<()> {
        self.write_json(PREPROCESSING, preprocessing)
    }

    /// Reads a file of the folder, its format first: a later one may have other keys. `broken` says what a damaged one means.
    fn read_json<T: DeserializeOwned>(
        &self,
        name: &str,
        limit_bytes: u64,
        broken: impl Fn(String) -> Error,
    ) -> Result<T> {
        let path = self.file(name);
        let text = read_whole(&path, limit_bytes).map_err(|e| broken(format!("cannot be read: {e}")))?;
        let not_ours = |e| broken(format!("not what wgrad wrote there: {e}"));
        let Head { format } = serde_json::from_slice(&text).map_err(&not_ours)?;
        Format::of(format).map_err(|message| Error::data(path.display().to_string(), message))?;
        serde_json::from_slice(&text).map_err(not_ours)
    }

    fn write_json(&self, name: &str, content: &impl Serialize) -> Result<()> {
        let stated = Stated { format: Format::CURRENT.number(), content };
        let text = serde_json::to_vec_pretty(&stated).map_err(|e| Error::Internal(format!("{name}: {e}")))?;
        self.replace(name, &text)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        replace(&*self.disk, &self.file(name), bytes)
    }

    /// The record of the run.
    ///
    /// # Errors
    /// [`Error::Data`] for a missing or damaged file.
    pub fn record(&self) -> Result<RunRecord> {
        let path = self.file(RECORD);
        let broken = |what: String| {
            let message =
                format!("{what}. Without it nothing tells whether spec and data are the run's; train a new run");
            Error::data(path.display().to_string(), message)
        };
        self.read_json(RECORD, RECORD_BYTES, broken)
    }

    /// Writes the record of the run.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_record(&self, record: &RunRecord) -> Result<()> {
        self.write_json(RECORD, record)
    }

    /// Everything that is needed to use the trained network on other data.
    ///
    /// # Errors
    /// As [`RunFolder::spec`], [`RunFolder::preprocessing`] and [`RunFolder::parameters`]; [`Error::Shape`] when the spec
    /// states another number of inputs than the columns.
    pub fn trained(&self) -> Result<Trained> {
        let (spec, preprocessing) = (self.spec()?, self.preprocessing()?);
        let layers = spec.model.layers(preprocessing.schema.features.len())?;
        let network = Network { layers, loss: spec.train.loss };
        let parameters = self.parameters(&network, spec.train.optimizer)?;
        Ok(Trained { spec, preprocessing, network, parameters })
    }

    /// Writes `report.json` and `report.html`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_report(&self, report: &RunReport) -> Result<()> {
        self.write_json("report.json", report)?;
        self.replace("report.html", html::render(report).as_bytes())
    }

    /// The report of an earlier part of the run, if there is one that can be read.
    pub fn report(&self) -> Option<RunReport> {
        self.read_json("report.json", SIDE_FILE_BYTES, Error::Internal).ok()
    }
}

/// The curve of a run on disk: `metrics.jsonl`, a line an epoch.
impl RunFolder {
    /// Adds a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append_metrics(&self, record: &EpochRecord) -> Result<()> {
        let path = self.file(METRICS);
        let mut line = serde_json::to_vec(record).map_err(|e| Error::Internal(format!("metrics: {e}")))?;
        line.push(b'\n');
        self.disk.append(&path).and_then(|mut file| file.write(&line)).map_err(|e| Error::io(&path, e))
    }

    /// Waits until the metrics are on the disk.
    fn sync_metrics(&self) -> Result<()> {
        let path = self.file(METRICS);
        self.disk.append(&path).and_then(|mut file| file.sync()).map_err(|e| Error::io(&path, e))
    }

    /// Writes a `metrics.jsonl` without lines: later only lines are added, and the file's name is on the disk before the
    /// first checkpoint.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn start_metrics(&self) -> Result<()> {
        self.replace(METRICS, b"")
    }

    /// The lines of `metrics.jsonl`, as far as they are whole: the run may be writing one.
    pub fn metrics(&self) -> Vec<EpochRecord> {
        let bytes = read_whole(&self.file(METRICS), SIDE_FILE_BYTES).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map_while(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// The report of the run as far as it is: that of its end, or, for a run that is training or was killed, its spec and
    /// its curves.
    ///
    /// # Errors
    /// As [`RunFolder::spec`].
    pub fn latest_report(&self) -> Result<RunReport> {
        let (written, epochs) = (self.report(), self.metrics());
        match written {
            Some(report) if report.epochs.len() >= epochs.len() => Ok(report),
            earlier => {
                let spec = self.spec()?;
                let name = || "spec.toml".to_string();
                let done = |e: &EpochRecord| e.epoch == spec.train.epochs;
                Ok(RunReport {
                    version: env!("CARGO_PKG_VERSION").to_string(),
                    spec_name: earlier.as_ref().map_or_else(name, |report| report.spec_name.clone()),
                    spec_toml: spec.to_toml(),
                    loss: spec.train.loss.name().to_string(),
                    batch_size: spec.train.batch_size,
                    epochs_planned: spec.train.epochs,
                    outcome: if epochs.last().is_some_and(done) { Outcome::Finished } else { Outcome::Interrupted },
                    train_seconds: epochs.iter().map(|e| e.seconds).sum(),
                    epochs,
                    ..earlier.unwrap_or_default()
                })
            }
        }
    }

    /// The lines of `metrics.jsonl` up to `epoch`; later ones, of epochs after the checkpoint, are dropped from the file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] for a damaged line before that.
    pub fn rewind_metrics(&self, epoch: usize) -> Result<Vec<EpochRecord>> {
        let path = self.file(METRICS);
        let bytes = match read_whole(&path, SIDE_FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.start_metrics()?;
                return Ok(Vec::new());
            }
            Err(e) => return Err(Error::io(path, e)),
        };
        let mut records: Vec<EpochRecord> = Vec::new();
        let mut kept: Vec<u8> = Vec::new();
        // What was not synced before a power cut may be anything, no text even; it lies after the lines that count.
        for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            if records.len() == epoch {
                break;
            }
            let record = serde_json::from_slice(line).map_err(|e| {
                Error::data(
                    format!("{}:{}", path.display(), number + 1),
                    format!("not what wgrad wrote there: {e}. Remove the file to go on without the earlier curve"),
                )
            })?;
            records.push(record);
            kept.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                kept.push(b'\n');
            }
        }
        if kept != bytes {
            self.replace(METRICS, &kept)?;
        }
        Ok(records)
    }
}
