//! The record of a run: all that its bits depend on, in `run.json`.

use crate::data::pictures::Folder;
use crate::error::{Error, Result};
use crate::exec::Device;
use crate::nn::digest::{self, Fields};
use crate::plan::Switches;
use crate::report::DeviceReport;
use crate::spec::{CheckpointSpec, DataFile, Spec, Validation};
use crate::tune::Lock;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};
use std::path::{Path, PathBuf};

/// What decides the bits of a run, and what resuming holds against what it finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Names the run: the SHA-256 of what must not change between its parts, which is the spec without the number of
    /// epochs, the times of checkpoints and the places of files, and the content of the files. Its checkpoints bear it.
    pub run: String,
    /// The spec as resolved, TOML.
    pub spec: String,
    /// SHA-256 of that text.
    pub spec_sha256: String,
    /// The spec's seed.
    pub seed: u64,
    /// The data files.
    pub data: Vec<DataRecord>,
    /// What trained the run, from its beginning on; one entry each time that it was started.
    pub parts: Vec<Part>,
}

/// A data file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// The key of the spec: `train`, `validation` or `weights`; `train.y` and `validation.y` for targets in a file of their own.
    pub key: String,
    /// Where it lay.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// SHA-256 of its content; of a folder of pictures, that of their names and contents.
    pub sha256: String,
}

/// What trained a part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Optimizer steps done before.
    pub first_step: u64,
    /// Version of wgrad.
    pub version: String,
    /// Device, adapter, driver and backend.
    pub device: DeviceReport,
    /// Optimisations that were switched off.
    pub without: Vec<String>,
    /// The measured ways of its products, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Lock>,
}

impl RunRecord {
    /// The record of a run of `spec`; its data files are read for their digests.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn of(spec: &Spec) -> Result<RunRecord> {
        let mut files = vec![("train", Some(&spec.data.train)), ("train.y", spec.data.train.labels.as_deref())];
        if let Some(Validation::File(file)) = &spec.data.validation {
            files.extend([("validation", Some(file)), ("validation.y", file.labels.as_deref())]);
        }
        files.push(("weights", spec.model.weights.as_ref()));
        let data = files.into_iter().filter_map(|(key, file)| Some(DataRecord::of(key, file?)));
        let data = data.collect::<Result<Vec<_>>>()?;
        let mut fields = Fields::new();
        fields.bytes(unchanging(spec).as_bytes());
        data.iter().for_each(|d| fields.bytes(d.sha256.as_bytes()));
        let text = spec.to_toml();
        Ok(RunRecord {
            run: fields.finish(),
            spec_sha256: digest::of_bytes(text.as_bytes()),
            spec: text,
            seed: spec.train.seed,
            data,
            parts: Vec::new(),
        })
    }

    /// Refuses `spec` where it differs from the run's in what must not change, line by line. `dir` is the run's folder.
    ///
    /// # Errors
    /// [`Error::Spec`].
    pub fn refuse_changed_spec(&self, spec: &Spec, dir: &Path) -> Result<()> {
        let kept = Spec::parse(&self.spec, dir.join("run.json"))?;
        let (kept, found) = (unchanging(&kept), unchanging(spec));
        if kept == found {
            return Ok(());
        }
        let diff = TextDiff::from_lines(&kept, &found);
        let lines = diff.iter_all_changes().filter_map(|change| match change.tag() {
            ChangeTag::Equal => None,
            ChangeTag::Delete => Some(format!("\n  the run's  {}", change.value().trim_end())),
            ChangeTag::Insert => Some(format!("\n  now        {}", change.value().trim_end())),
        });
        Err(Error::spec(
            dir.display().to_string(),
            format!(
                "the run was trained with another spec than this:{}\nBring these lines back, or train a new run. (Resume \
                 without a spec to go on with the run's own)",
                lines.collect::<String>()
            ),
        ))
    }

    /// Refuses `found`, the record of the same spec now, where a data file has another content.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn refuse_changed_data(&self, found: &RunRecord, dir: &Path) -> Result<()> {
        for (kept, now) in self.data.iter().zip(&found.data) {
            if kept.sha256 != now.sha256 {
                return Err(Error::data(
                    dir.display().to_string(),
                    format!(
                        "the data are no longer those that this run was trained on: {} has {} bytes with the SHA-256 {}, \
                         the run began with {} bytes with the SHA-256 {}. Bring that file back, or train a new run",
                        now.path.display(),
                        now.size_bytes,
                        now.sha256,
                        kept.size_bytes,
                        kept.sha256
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What is to be said when `next` goes on where other programs or devices came from; `None` where nothing changed.
    pub fn change_of(&self, next: &Part) -> Option<String> {
        let last = self.parts.last()?;
        let text = |part: &Part| {
            let DeviceReport { name, backend, driver, .. } = &part.device;
            let words = [name, backend, driver].map(String::as_str).into_iter().filter(|word| !word.is_empty());
            let without: String = part.without.iter().map(|name| format!(" without {name}")).collect();
            let tuning: String = part.tuning.iter().map(|lock| format!(" with the tuning {}", lock.digest())).collect();
            format!("wgrad {}{without}{tuning} on {}", part.version, words.collect::<Vec<_>>().join(", "))
        };
        let (before, now) = (text(last), text(next));
        (before != now).then(|| {
            format!(
                "so far the run was trained by {before}; from step {} on by {now}. The same bits are promised only where \
                 nothing of this changes",
                next.first_step + 1
            )
        })
    }
}

impl DataRecord {
    fn of(key: &str, file: &DataFile) -> Result<DataRecord> {
        let (size_bytes, sha256) = match file.path.is_dir() {
            true => Folder::open(&file.path)?.digest()?,
            false => digest::of_file(&file.path)?,
        };
        Ok(DataRecord { key: key.to_owned(), path: file.path.clone(), size_bytes, sha256 })
    }
}

impl Part {
    /// A part that begins after `first_step` steps.
    pub fn new(first_step: u64, device: &Device, switches: Switches) -> Part {
        Part {
            first_step,
            version: env!("CARGO_PKG_VERSION").to_string(),
            device: super::run::device_report(device),
            without: switches.left_out().into_iter().map(str::to_string).collect(),
            tuning: device.tuning().and_then(|tuning| Lock::new(device, &tuning.table)),
        }
    }
}

/// The spec without what a run may change when it goes on: how long and how often saved, and where its files lie, whose
/// content is compared instead.
fn unchanging(spec: &Spec) -> String {
    let mut spec = spec.clone();
    // A schedule that follows the run's length has other rates in a longer run.
    if !spec.train.schedule.schedule.follows_the_run() {
        spec.train.epochs = 1;
    }
    spec.data.image = None;
    spec.train.checkpoint = CheckpointSpec::default();
    without_place(&mut spec.data.train);
    if let Some(Validation::File(file)) = &mut spec.data.validation {
        without_place(file);
    }
    spec.model.weights.iter_mut().for_each(without_place);
    spec.to_toml()
}

/// Which array of a file is meant is no matter of its place.
fn without_place(file: &mut DataFile) {
    let array = file.array.as_ref().map_or(String::new(), |name| format!("#{name}"));
    file.written = format!("(a file){array}");
    file.labels.iter_mut().for_each(|labels| without_place(labels));
}
