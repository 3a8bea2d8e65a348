//! A result against an earlier one: faster, slower, or within the noise of the two.

use super::Line;
use crate::data::read_whole;
use crate::error::{Error, Result};
use std::path::Path;

/// No smaller change is called one, whatever the repetitions say: where memory lies and which clock a core has is settled once
/// a process, and all its repetitions share it. A choice, not a measurement; a busy machine's quartiles lie further apart.
pub const PROCESS_NOISE: f64 = 0.05;

/// A file of results at most: a line has about 2 KB, and a thousand runs are no file to compare with.
const RESULT_BYTES: u64 = 16 << 20;

/// What times of kernels add to a file: no workload, and not compared.
#[derive(serde::Deserialize)]
struct KernelTable {
    #[serde(rename = "kernels")]
    _kernels: Vec<serde::de::IgnoredAny>,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Faster beyond the noise.
    Faster,
    /// Neither.
    Same,
    /// Slower beyond the noise.
    Slower,
}

/// One workload against its earlier result.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Name of the workload.
    pub workload: String,
    /// Median steps a second, then and now.
    pub before: f64,
    /// Now.
    pub now: f64,
    /// How far the ratio may be from 1 by noise.
    pub noise: f64,
    /// What that makes.
    pub verdict: Verdict,
}

impl Change {
    /// The noise is the wider of the two distances between quartiles. Over ten repetitions that is more than twice the
    /// standard error of the ratio of the medians, so that one in a hundred equal pairs is called different.
    pub fn new(before: &Line, now: &Line) -> Change {
        let (old, new) = (before.repetitions, now.repetitions);
        let noise = old.relative().max(new.relative()).max(PROCESS_NOISE);
        let ratio = new.median / old.median;
        let verdict = if ratio < 1.0 - noise {
            Verdict::Slower
        } else if ratio > 1.0 / (1.0 - noise).max(f64::EPSILON) {
            Verdict::Faster
        } else {
            Verdict::Same
        };
        Change { workload: now.workload.clone(), before: old.median, now: new.median, noise, verdict }
    }
}

/// Reads the lines of JSON that `wgrad bench` wrote.
///
/// # Errors
/// [`Error::Data`] with the line that is no result; [`Error::Io`].
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let file = path.display().to_string();
    let bytes = read_whole(path, RESULT_BYTES).map_err(|e| Error::io(path, e))?;
    let text = String::from_utf8(bytes).map_err(|e| Error::data(&file, e.to_string()))?;
    let mut lines = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{file}:{}", i + 1);
        if serde_json::from_str::<KernelTable>(line).is_ok() {
            continue;
        }
        let parsed: Line = serde_json::from_str(line)
            .map_err(|e| Error::data(&place, format!("no result of wgrad bench ({e}). Give a file of its JSON")))?;
        let usable = |x: f64| x.is_finite() && x > 0.0;
        if !usable(parsed.repetitions.median) || parsed.repetitions.relative().is_nan() {
            return Err(Error::data(&place, format!("steps per second of {} are no positive number", parsed.workload)));
        }
        lines.push(parsed);
    }
    if lines.is_empty() {
        return Err(Error::data(file, "the file holds no result. Give a file of JSON that `wgrad bench` wrote"));
    }
    Ok(lines)
}

/// The earlier result of the workload on the same device.
///
/// # Errors
/// [`Error::Data`] where there is none, with what there is.
pub fn find<'a>(earlier: &'a [Line], path: &Path, workload: &str, adapter: &str) -> Result<&'a Line> {
    let found = earlier.iter().find(|l| l.workload == workload && l.adapter == adapter);
    found.ok_or_else(|| {
        let there: Vec<String> = earlier.iter().map(|l| format!("{} on {}", l.workload, l.adapter)).collect();
        let there = there.join(", ");
        Error::data(path.display().to_string(), format!("there is no {workload} on {adapter}, only {there}"))
    })
}
