//! The curve of a run on disk: `metrics.jsonl`, a line an epoch.

use super::{METRICS, RunFolder, SIDE_FILE_BYTES};
use crate::data::read_whole;
use crate::error::{Error, Result};
use crate::report::{EpochRecord, Outcome, RunReport};

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
    pub(super) fn sync_metrics(&self) -> Result<()> {
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
