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

/// A monitor's name in a spec, whether larger values are better, and the value of a validation.
type Watched = (&'static str, bool, fn(&EpochRecord) -> Option<f64>);

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

    /// What is known of it.
    fn row(self) -> Watched {
        match self {
            Monitor::ValidationLoss => ("validation_loss", false, |e| e.validation_loss),
            Monitor::ValidationAccuracy => ("validation_accuracy", true, |e| e.validation_accuracy),
            Monitor::TopK => ("top_k", true, |e| e.metrics.as_ref()?.top_k.map(|top| top.accuracy)),
            Monitor::PrecisionMacro => ("precision_macro", true, |e| e.metrics.as_ref()?.precision_macro),
            Monitor::RecallMacro => ("recall_macro", true, |e| e.metrics.as_ref()?.recall_macro),
            Monitor::F1Macro => ("f1_macro", true, |e| e.metrics.as_ref()?.f1_macro),
            Monitor::RocAuc => ("roc_auc", true, |e| e.metrics.as_ref()?.roc_auc),
            Monitor::Mae => ("mae", false, |e| e.metrics.as_ref()?.mae),
            Monitor::Rmse => ("rmse", false, |e| e.metrics.as_ref()?.rmse),
            Monitor::R2 => ("r2", true, |e| e.metrics.as_ref()?.r2),
        }
    }

    /// The name in a spec.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The one of this name.
    pub fn by_name(name: &str) -> Option<Monitor> {
        Monitor::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether larger values are better.
    pub fn rises(self) -> bool {
        self.row().1
    }

    /// Whether `value` is better than `best` by more than `min_delta`. A NaN is never better.
    pub fn is_better(self, value: f64, best: f64, min_delta: f64) -> bool {
        if self.rises() { value - min_delta > best } else { value + min_delta < best }
    }

    /// What the epoch's validation found; `None` without one, or where it is undefined.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        (self.row().2)(record)
    }
}

/// A metric in tables for people: its name, whether it is a share of one, whether larger values are better, and the value.
pub(super) type Figure = (&'static str, bool, bool, fn(&Metrics) -> Option<f64>);

/// The metrics in the order in which tables have them.
pub(super) const FIGURES: [Figure; 8] = [
    ("top-k accuracy", true, true, |m| m.top_k.map(|top| top.accuracy)),
    ("precision, macro", true, true, |m| m.precision_macro),
    ("recall, macro", true, true, |m| m.recall_macro),
    ("F1, macro", true, true, |m| m.f1_macro),
    ("ROC AUC", false, true, |m| m.roc_auc),
    ("MAE", false, false, |m| m.mae),
    ("RMSE", false, false, |m| m.rmse),
    ("R²", false, true, |m| m.r2),
];

impl Metrics {
    /// The metrics that there are: a name for people, the value, and whether it is a share of one.
    pub fn named(&self) -> Vec<(String, f64, bool)> {
        let named = |(name, is_share, _, of): &Figure| {
            let value = of(self)?;
            // Of the metrics only this one has a parameter, which stands in its name.
            let name = match self.top_k {
                Some(top) if name.starts_with("top-k") => format!("top-{} accuracy", top.k),
                _ => name.to_string(),
            };
            Some((name, value, *is_share))
        };
        FIGURES.iter().filter_map(named).collect()
    }
}
