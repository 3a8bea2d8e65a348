//! From a spec to samples and a network: reading, splitting, scaling.

use super::run_folder::Preprocessing;
use super::weighting::weigh_data;
use crate::data::{Dataset, Scaler, fill_means, read_table, split_rows};
use crate::error::Result;
use crate::model::Network;
use crate::spec::{Spec, Validation};

/// Everything a run needs of the data.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The training samples, scaled.
    pub train: Dataset,
    /// The validation samples, scaled.
    pub validation: Option<Dataset>,
    /// Columns, classes, scaler.
    pub preprocessing: Preprocessing,
    /// The network, its inputs taken from the data.
    pub network: Network,
    /// The weights of the classes, which are part of the training samples' weights; none where all count alike.
    pub class_weights: Vec<f64>,
}

/// Reads the spec's files. The scaler is fitted on the training part alone; the weights of its rows are whole, with those of
/// their classes.
///
/// # Errors
/// [`crate::Error::Data`], [`crate::Error::Shape`], [`crate::Error::Io`].
pub fn prepare(spec: &Spec) -> Result<Prepared> {
    let rule = spec.target_rule();
    let path = &spec.data.train.path;
    let (mut all, mut schema) = read_table(&spec.data.train)?.unfilled(&spec.data.columns, &spec.data.target, rule)?;
    let (train, rest) = match spec.data.validation {
        Some(Validation::Fraction(fraction)) => split_rows(all.rows, fraction, spec.train.seed, path)?,
        _ => ((0..all.rows as u32).collect(), Vec::new()),
    };
    fill_means(&mut all, &mut schema, &train, path)?;
    let (mut train, mut validation) = match &spec.data.validation {
        None => (all, None),
        Some(Validation::Fraction(_)) => (all.subset(&train), Some(all.subset(&rest))),
        Some(Validation::File(file)) => (all, Some(read_table(file)?.dataset_as(&schema, rule)?)),
    };
    let scaler = Scaler::fit(spec.data.scale, &train.x, train.features.len());
    scaler.apply(&mut train.x);
    if let Some(validation) = &mut validation {
        scaler.apply(&mut validation.x);
    }
    let layers = spec.model.layers(train.features.len())?;
    let network = Network { layers, loss: spec.train.loss };
    let class_weights = weigh_data(&mut train, &network, spec, schema.classes.as_deref())?;
    Ok(Prepared { train, validation, preprocessing: Preprocessing { schema, scaler }, network, class_weights })
}
