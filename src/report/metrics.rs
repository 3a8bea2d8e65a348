//! What is measured on predictions, and which of it a run may watch.

use super::EpochRecord;
use serde::{Deserialize, Serialize};

/// Metrics of predictions beside loss and accuracy. Each is absent where it has no meaning for the targets or is undefined
/// on the rows. Definitions and ties are those of scikit-learn, see `docs/metrics.md`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Share of the rows whose class is among the highest outputs, where there are more than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<TopK>,
    /// Mean of the classes' precisions, over the classes that occur as true or as predicted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision_macro: Option<f64>,
    /// Mean of their recalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall_macro: Option<f64>,
    /// Mean of their F1 scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1_macro: Option<f64>,
    /// Area under the receiver operating characteristic: of the second class where there are two, else the mean of each
    /// class's against the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
    /// Mean absolute error, over rows and outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Root of the mean squared error of an output, mean over the outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
    /// Coefficient of determination of an output, mean over the outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
}

/// Share of rows whose class is among the `k` highest outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TopK {
    /// How many outputs count.
    pub k: usize,
    /// The share.
    pub accuracy: f64,
}

/// How one class fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Its name.
    pub class: String,
    /// Rows of this class.
    pub rows: u64,
    /// Of the rows taken for it, the share that is of it; 0 where none was.
    pub precision: f64,
    /// Of its rows, the share that was taken for it; 0 where there is none.
    pub recall: f64,
    /// Harmonic mean of both; 0 where there is neither a row of it nor one taken for it.
    pub f1: f64,
    /// Area under the receiver operating characteristic of this class against the rest; absent where all rows or none are of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
}

/// A figure of a validation that decides which epoch was the best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Loss on the validation rows.
    #[default]
    ValidationLoss,
    /// Share of the validation rows classified right.
    ValidationAccuracy,
    /// [`TopK::accuracy`].
    TopK,
    /// [`Metrics::precision_macro`].
    PrecisionMacro,
    /// [`Metrics::recall_macro`].
    RecallMacro,
    /// [`Metrics::f1_macro`].
    F1Macro,
    /// [`Metrics::roc_auc`].
    RocAuc,
    /// [`Metrics::mae`].
    Mae,
    /// [`Metrics::rmse`].
    Rmse,
    /// [`Metrics::r2`].
    R2,
}

impl Monitor {
    /// All of them.
    pub const ALL: [Monitor; 10] = [
        Monitor::ValidationLoss,
        Monitor::ValidationAccuracy,
        Monitor::TopK,
        Monitor::PrecisionMacro,
        Monitor::RecallMacro,
        Monitor::F1Macro,
        Monitor::RocAuc,
        Monitor::Mae,
        Monitor::Rmse,
        Monitor::R2,
    ];

    /// The name in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Monitor::ValidationLoss => "validation_loss",
            Monitor::ValidationAccuracy => "validation_accuracy",
            Monitor::TopK => "top_k",
            Monitor::PrecisionMacro => "precision_macro",
            Monitor::RecallMacro => "recall_macro",
            Monitor::F1Macro => "f1_macro",
            Monitor::RocAuc => "roc_auc",
            Monitor::Mae => "mae",
            Monitor::Rmse => "rmse",
            Monitor::R2 => "r2",
        }
    }

    /// The one of this name.
    pub fn by_name(name: &str) -> Option<Monitor> {
        Monitor::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether larger values are better.
    pub fn rises(self) -> bool {
        !matches!(self, Monitor::ValidationLoss | Monitor::Mae | Monitor::Rmse)
    }

    /// Whether `value` is better than `best` by more than `min_delta`. A NaN is never better.
    pub fn is_better(self, value: f64, best: f64, min_delta: f64) -> bool {
        if self.rises() { value - min_delta > best } else { value + min_delta < best }
    }

    /// What the epoch's validation found; `None` without one, or where it is undefined.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        let metrics = record.metrics.as_ref();
        match self {
            Monitor::ValidationLoss => record.validation_loss,
            Monitor::ValidationAccuracy => record.validation_accuracy,
            Monitor::TopK => metrics?.top_k.map(|top| top.accuracy),
            Monitor::PrecisionMacro => metrics?.precision_macro,
            Monitor::RecallMacro => metrics?.recall_macro,
            Monitor::F1Macro => metrics?.f1_macro,
            Monitor::RocAuc => metrics?.roc_auc,
            Monitor::Mae => metrics?.mae,
            Monitor::Rmse => metrics?.rmse,
            Monitor::R2 => metrics?.r2,
        }
    }
}

impl Metrics {
    /// The metrics that there are: a name for people, the value, and whether it is a share of one.
    pub fn named(&self) -> Vec<(String, f64, bool)> {
        let top = self.top_k.map(|top| (format!("top-{} accuracy", top.k), top.accuracy, true));
        let shares = [
            ("precision, macro", self.precision_macro),
            ("recall, macro", self.recall_macro),
            ("F1, macro", self.f1_macro),
        ];
        let numbers = [("ROC AUC", self.roc_auc), ("MAE", self.mae), ("RMSE", self.rmse), ("R²", self.r2)];
        let named = |share: bool| move |(name, value): (&str, Option<f64>)| Some((name.to_string(), value?, share));
        let rest = shares.into_iter().filter_map(named(true)).chain(numbers.into_iter().filter_map(named(false)));
        top.into_iter().chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_is_by_more_than_the_least_difference_and_never_nan() {
        let loss = Monitor::ValidationLoss;
        assert!(loss.is_better(0.5, 1.0, 0.25) && !loss.is_better(0.75, 1.0, 0.25) && !loss.is_better(1.0, 1.0, 0.0));
        let auc = Monitor::RocAuc;
        assert!(auc.is_better(1.0, 0.5, 0.25) && !auc.is_better(0.75, 0.5, 0.25));
        for monitor in Monitor::ALL {
            assert!(!monitor.is_better(f64::NAN, 1.0, 0.0));
            assert_eq!(Monitor::by_name(monitor.name()), Some(monitor));
        }
    }
}
