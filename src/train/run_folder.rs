//! The run folder: what a run leaves on disk, each file whole at any moment.
//!
//! `spec.toml` (as resolved), `preprocessing.json` (columns, classes, scaler), `model.safetensors`,
//! `checkpoint.safetensors`, `metrics.jsonl` (a line an epoch), `report.json`, `report.html`.

use super::checkpoint::Checkpoint;
use crate::data::{Scaler, Schema};
use crate::error::{Error, Result};
use crate::model::weights::{self, Precision, write_atomically};
use crate::model::{Network, Tensor};
use crate::report::{EpochRecord, RunReport, html};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

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

/// A run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    dir: PathBuf,
}

const SPEC: &str = "spec.toml";

impl RunFolder {
    /// Makes the folder `dir` for a new run.
    ///
    /// # Errors
    /// [`Error::Spec`] when it holds anything already; [`Error::Io`].
    pub fn create(dir: &Path) -> Result<RunFolder> {
        RunFolder::refuse_existing(dir)?;
        std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        Ok(RunFolder { dir: dir.to_path_buf() })
    }

    /// Refuses a folder that holds a run, or anything else that a run's files might replace.
    ///
    /// # Errors
    /// [`Error::Spec`].
    pub fn refuse_existing(dir: &Path) -> Result<()> {
        let message = if dir.join(SPEC).exists() {
            "this folder holds another run. Choose another folder with --run, or go on with --resume"
        } else if dir.exists() && !dir.is_dir() {
            "this is a file, not a folder. Choose another folder with --run"
        } else if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            "this folder is not empty, and a run would mix with what it holds. Choose a new folder with --run"
        } else {
            return Ok(());
        };
        Err(Error::spec(dir.display().to_string(), message))
    }

    /// Makes the first folder `runs/<name>-<number>` that does not exist yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_numbered(name: &str) -> Result<RunFolder> {
        let root = Path::new("runs");
        std::fs::create_dir_all(root).map_err(|e| Error::io(root, e))?;
        let mut number = 1;
        loop {
            let dir = root.join(format!("{name}-{number}"));
            // create_dir, not a look before it: two processes must not take the same number.
            match std::fs::create_dir(&dir) {
                Ok(()) => return Ok(RunFolder { dir }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io(dir, e)),
            }
        }
    }

    /// Opens the folder of an existing run.
    ///
    /// # Errors
    /// [`Error::Spec`] when there is no run in it.
    pub fn open(dir: &Path) -> Result<RunFolder> {
        if !dir.join(SPEC).is_file() {
            let message = "this folder holds no run (no spec.toml). Give the folder that `wgrad train` wrote";
            return Err(Error::spec(dir.display().to_string(), message));
        }
        Ok(RunFolder { dir: dir.to_path_buf() })
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
        write_atomically(&self.file(SPEC), spec.to_toml().as_bytes())
    }

    /// Columns, classes and scaler.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] for a damaged file.
    pub fn preprocessing(&self) -> Result<Preprocessing> {
        let path = self.file("preprocessing.json");
        let broken = |what: String| Error::data(path.display().to_string(), format!("{what}. Train again"));
        let text = std::fs::read(&path).map_err(|e| broken(format!("cannot be read: {e}")))?;
        let found: Preprocessing =
            serde_json::from_slice(&text).map_err(|e| broken(format!("not what wgrad wrote there: {e}")))?;
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
        self.write_json("preprocessing.json", preprocessing)
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(format!("{name}: {e}")))?;
        write_atomically(&self.file(name), &text)
    }

    /// The trained parameters.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`].
    pub fn parameters(&self, network: &Network) -> Result<Vec<Tensor>> {
        weights::load(&self.file("model.safetensors"), &network.parameters(), false)
    }

    /// Everything that is needed to use the trained network on other data.
    ///
    /// # Errors
    /// As [`RunFolder::spec`], [`RunFolder::preprocessing`] and [`RunFolder::parameters`]; [`Error::Shape`] when the spec
    /// states another number of inputs than the columns.
    pub fn trained(&self) -> Result<Trained> {
        let (spec, preprocessing) = (self.spec()?, self.preprocessing()?);
        let layers = spec.model.dense_shapes(preprocessing.schema.features.len())?;
        let network = Network { layers, loss: spec.train.loss };
        let parameters = self.parameters(&network)?;
        Ok(Trained { spec, preprocessing, network, parameters })
    }

    /// Writes checkpoint and model.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Weights`] when a parameter is no finite number (both files stay as they were).
    pub fn write_checkpoint(&self, checkpoint: &Checkpoint) -> Result<()> {
        checkpoint.save(&self.file("checkpoint.safetensors"))?;
        let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
        weights::save(&self.file("model.safetensors"), &checkpoint.parameters, Precision::F32, &metadata)
    }

    /// The checkpoint.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn checkpoint(&self, network: &Network, state_slots: usize) -> Result<Checkpoint> {
        Checkpoint::load(&self.file("checkpoint.safetensors"), network, state_slots)
    }

    /// Adds a line to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append_metrics(&self, record: &EpochRecord) -> Result<()> {
        let path = self.file("metrics.jsonl");
        let mut line = serde_json::to_vec(record).map_err(|e| Error::Internal(format!("metrics: {e}")))?;
        line.push(b'\n');
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut f| f.write_all(&line)).map_err(|e| Error::io(&path, e))
    }

    /// The lines of `metrics.jsonl` up to `epoch`; later ones, of epochs after the checkpoint, are dropped from the file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] for a damaged line before that.
    pub fn rewind_metrics(&self, epoch: usize) -> Result<Vec<EpochRecord>> {
        let path = self.file("metrics.jsonl");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::io(path, e)),
        };
        let mut records: Vec<EpochRecord> = Vec::new();
        let mut kept = String::new();
        for (number, line) in text.lines().enumerate() {
            if records.len() == epoch {
                break;
            }
            let record = serde_json::from_str(line).map_err(|e| {
                Error::data(
                    format!("{}:{}", path.display(), number + 1),
                    format!("not what wgrad wrote there: {e}. Remove the file to go on without the earlier curve"),
                )
            })?;
            records.push(record);
            kept.push_str(line);
            kept.push('\n');
        }
        if kept != text {
            write_atomically(&path, kept.as_bytes())?;
        }
        Ok(records)
    }

    /// Writes `report.json` and `report.html`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_report(&self, report: &RunReport) -> Result<()> {
        self.write_json("report.json", report)?;
        write_atomically(&self.file("report.html"), html::render(report).as_bytes())
    }

    /// The report of an earlier part of the run, if there is one that can be read.
    pub fn report(&self) -> Option<RunReport> {
        let text = std::fs::read(self.file("report.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }
}
