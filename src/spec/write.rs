//! From a [`Spec`] to TOML, with every default written out.

use crate::data::Scale;
use crate::graph::{Activation, Clip, Loss};
use crate::model::Init;
use std::fmt::Write;

use super::{CheckpointSpec, DataFile, Format, LayerKindSpec, Spec, Validation, early, optimizer};

impl Spec {
    /// The spec as resolved, which parses back to an equal spec when it lies in the same folder.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = self.write_toml(&mut text);
        text
    }

    fn write_toml(&self, out: &mut String) -> std::fmt::Result {
        let data = &self.data;
        writeln!(out, "format = {}\n\n[data]\ntrain = {}", Format::CURRENT.number(), files(&data.train))?;
        match &data.target[..] {
            // The targets' file has said it.
            _ if data.train.labels.is_some() => {}
            [one] => writeln!(out, "target = {}", quoted(one))?,
            many => writeln!(out, "target = [{}]", many.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", "))?,
        }
        match &data.validation {
            Some(Validation::Fraction(fraction)) => writeln!(out, "validation = {}", float(*fraction))?,
            Some(Validation::File(file)) => writeln!(out, "validation = {}", files(file))?,
            None => {}
        }
        writeln!(out, "scale = \"{}\"", Scale::name(data.scale))?;
        if let Some(images) = &data.train.images {
            super::images::write(images, out)?;
        }
        if let Some([rows, columns]) = data.image {
            writeln!(out, "image = [{rows}, {columns}]")?;
        }
        self.write_columns(out)?;
        data.reading.write(out)?;
        if self.model.inputs.is_some() || self.model.weights.is_some() {
            writeln!(out, "\n[model]")?;
        }
        if let Some(inputs) = self.model.inputs {
            writeln!(out, "inputs = {inputs}")?;
        }
        if let Some(weights) = &self.model.weights {
            writeln!(out, "weights = {}", quoted(&weights.written))?;
        }
        for layer in &self.model.layers {
            writeln!(out, "\n[[model.layers]]")?;
            match layer.kind {
                LayerKindSpec::Dense { outputs, .. } => writeln!(out, "dense = {outputs}")?,
                LayerKindSpec::Dropout(p) => writeln!(out, "dropout = {}", float(p))?,
                LayerKindSpec::LayerNorm | LayerKindSpec::BatchNorm => writeln!(out, "{} = true", layer.kind.name())?,
            }
            writeln!(out, "activation = {}", activation(layer.activation))?;
            if let LayerKindSpec::Dense { bias, init: method, .. } = layer.kind {
                writeln!(out, "bias = {bias}\ninit = {}", init(method))?;
            }
        }
        let train = &self.train;
        writeln!(out, "\n[train]\nloss = {}\noptimizer = {}", loss(train.loss), optimizer::text(train.optimizer))?;
        self.write_what_counts(out)?;
        train.schedule.write(out)?;
        if train.accumulate != 1 {
            writeln!(out, "accumulate = {}", train.accumulate)?;
        }
        match train.clip {
            Some(Clip::Norm(max)) => writeln!(out, "clip = {{ norm = {} }}", float(max))?,
            Some(Clip::Value(limit)) => writeln!(out, "clip = {{ value = {} }}", float(limit))?,
            None => {}
        }
        writeln!(out, "batch_size = {}\nepochs = {}\nseed = {}", train.batch_size, train.epochs, train.seed)?;
        writeln!(out, "validate_every = {}", train.validate_every)?;
        if let Some(early) = &train.early_stopping {
            early::write(early, out)?;
        }
        let CheckpointSpec { steps, minutes } = train.checkpoint;
        writeln!(out, "\n[train.checkpoint]\nsteps = {steps}\nminutes = {}", float(minutes))
    }

    fn write_columns(&self, out: &mut String) -> std::fmt::Result {
        let columns = &self.data.columns;
        let lists =
            [("features", &columns.features), ("ignore", &columns.ignore), ("categorical", &columns.categorical)];
        for (key, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            writeln!(out, "{key} = [{}]", names.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", "))?;
        }
        if let Some(column) = &columns.sample_weight {
            writeln!(out, "sample_weight = {}", quoted(column))?;
        }
        writeln!(out, "missing = \"{}\"", columns.missing.name())
    }

    /// What else the loss is made of.
    fn write_what_counts(&self, out: &mut String) -> std::fmt::Result {
        let smoothing = self.train.loss.smoothing();
        if smoothing != 0.0 {
            writeln!(out, "label_smoothing = {}", float(smoothing))?;
        }
        self.train.class_weights.write(out)
    }
}

fn files(file: &DataFile) -> String {
    match &file.labels {
        Some(labels) => format!("{{ x = {}, y = {} }}", quoted(&file.written), quoted(&labels.written)),
        None => quoted(&file.written),
    }
}

pub(crate) fn activation(activation: Activation) -> String {
    match activation.parameter() {
        Some((key, value)) => format!("{{ {} = {{ {key} = {} }} }}", activation.name(), float(value)),
        None => quoted(activation.name()),
    }
}

fn init(init: Init) -> String {
    let (key, value) = match init {
        Init::Uniform { bound } => ("bound", bound),
        Init::Normal { std } => ("std", std),
        Init::Orthogonal { gain } => ("gain", gain),
        other => return quoted(other.name()),
    };
    format!("{{ {} = {{ {key} = {} }} }}", init.name(), float(value))
}

pub(crate) fn loss(mut loss: Loss) -> String {
    let name = loss.name();
    match loss.parameter() {
        Some((known, value)) => format!("{{ {name} = {{ {} = {} }} }}", known.key, float(*value)),
        None => quoted(name),
    }
}

/// The shortest text that parses back to the same number; the debug form keeps a point or an exponent, as TOML wants.
pub(super) fn float(value: f64) -> String {
    format!("{value:?}")
}

pub(crate) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
