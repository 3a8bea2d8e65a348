//! Several runs beside each other: what their specs differ in, and how far each came.

use super::{Metrics, Outcome, RunReport};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Runs beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The runs, in the order in which they were named.
    pub runs: Vec<RunLine>,
    /// Keys of the specs that are not equal in all runs.
    pub differences: Vec<Difference>,
}

/// How far a run came.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunLine {
    /// How the run was named.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Epochs done.
    pub epochs: usize,
    /// Training loss of the last epoch.
    pub train_loss: Option<f64>,
    /// Loss of the last validation.
    pub validation_loss: Option<f64>,
    /// The lowest validation loss, and its epoch.
    pub best_validation_loss: Option<f64>,
    /// From 1; of equal losses the first.
    pub best_epoch: Option<usize>,
    /// Accuracy of the last validation.
    pub validation_accuracy: Option<f64>,
    /// The other metrics of the last validation.
    pub metrics: Metrics,
    /// Wall time of training, in seconds.
    pub train_seconds: f64,
    /// Trainable numbers.
    pub parameters: usize,
    /// The device.
    pub device: String,
    /// Digest of the weights.
    pub digest: String,
}

/// A key in which specs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Such as `train.optimizer.sgd.lr`.
    pub key: String,
    /// As each run's spec has it; `None` where it has not.
    pub values: Vec<Option<String>>,
}

impl Comparison {
    /// Of runs with their names.
    pub fn of(runs: &[(String, RunReport)]) -> Comparison {
        Comparison {
            runs: runs.iter().map(|(name, report)| line(name, report)).collect(),
            differences: differences(runs),
        }
    }
}

fn line(name: &str, report: &RunReport) -> RunLine {
    let validated = report.epochs.iter().rev().find(|e| e.validation_loss.is_some() || e.metrics.is_some());
    let best = report.least(|e| e.validation_loss);
    RunLine {
        name: name.to_string(),
        outcome: report.outcome.clone(),
        epochs: report.epochs.last().map_or(0, |e| e.epoch),
        train_loss: report.epochs.last().map(|e| e.train_loss),
        validation_loss: validated.and_then(|e| e.validation_loss),
        best_validation_loss: best.map(|(_, loss)| loss),
        best_epoch: best.map(|(epoch, _)| epoch),
        validation_accuracy: validated.and_then(|e| e.validation_accuracy),
        metrics: validated.and_then(|e| e.metrics.clone()).unwrap_or_default(),
        train_seconds: report.train_seconds,
        parameters: report.parameters,
        device: report.device.name.clone(),
        digest: report.digest.clone(),
    }
}

fn differences(runs: &[(String, RunReport)]) -> Vec<Difference> {
    let specs: Vec<BTreeMap<String, String>> = runs.iter().map(|(_, report)| keys(&report.spec_toml)).collect();
    let all: BTreeSet<&String> = specs.iter().flat_map(BTreeMap::keys).collect();
    let values = |key: &str| -> Vec<Option<String>> { specs.iter().map(|spec| spec.get(key).cloned()).collect() };
    let differ = |values: &Vec<Option<String>>| values.windows(2).any(|pair| pair[0] != pair[1]);
    let found = all.into_iter().map(|key| Difference { key: key.clone(), values: values(key) });
    found.filter(|difference| differ(&difference.values)).collect()
}

/// A spec as keys and values, one level deep. What is no TOML has none.
fn keys(toml: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(table) = toml.parse::<toml::Table>() {
        flatten("", &toml::Value::Table(table), &mut found);
    }
    found
}

fn flatten(key: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, found);
            }
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for (i, value) in list.iter().enumerate() {
                flatten(&format!("{key}[{i}]"), value, found);
            }
        }
        toml::Value::String(text) => drop(found.insert(key.to_string(), text.clone())),
        other => drop(found.insert(key.to_string(), other.to_string())),
    }
}
