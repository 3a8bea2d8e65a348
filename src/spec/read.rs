//! From the text of a spec to [`Spec`], section by section.

use crate::data::arrays::TARGETS;
use crate::data::pictures::CLASS;
use crate::data::{Columns, Missing, Scale};
use crate::error::Result;
use crate::graph::Activation;
use crate::nn::{Init, Keys, Layer, MODULES, Read};
use std::path::Path;
use toml::de::{DeTable, DeValue};

use super::table::{Source, Table, Value, not_negative, number, size};
use super::{
    CheckpointSpec, ClassWeights, DataFile, DataSpec, Format, ModelSpec, Reading, ScheduleSpec, Spec, TrainSpec,
    Validation, choice, early, images, schedule,
};

/// Reads a whole spec.
pub(super) fn spec(text: &str, path: &Path) -> Result<Spec> {
    let source = Source { path, text, empty: DeTable::new() };
    let document = source.parse(text)?;
    let root = Table::new(&source, "the spec", 0..0, document.get_ref());
    // A misspelt section is reported as such rather than as a missing one.
    for key in ["format", "data", "model", "train"] {
        root.get(key);
    }
    // First of all: a later format may have sections and keys that this version does not know.
    if let Some(value) = root.get("format") {
        let stated = size(&source, "format", value)? as u64;
        Format::of(Some(stated)).map_err(|message| source.error(&value.span(), message))?;
    }
    root.finish()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let data = data(&root.section("data", "[data] with `train` and `target`")?, folder)?;
    let model = model(&root.section("model", "[[model.layers]] with `dense = 10`")?, folder)?;
    let validated = data.validation.is_some();
    let section = root.section("train", "[train] with `loss` and `optimizer`")?;
    let train = train(&section, validated)?;
    let by_batch = model.layers.iter().map(|layer| &layer.module).find(|module| module.takes_statistics());
    if let (Some(value), Some(module)) = (section.get("accumulate").filter(|_| train.accumulate > 1), by_batch) {
        let message = format!(
            "`accumulate` divides a batch, and {} takes the statistics of a whole one. Remove `accumulate`, or take \
             layer_norm in the place of {}",
            module.name().replace('_', " "),
            module.name()
        );
        return Err(source.error(&value.span(), message));
    }
    Ok(Spec { data, model, train })
}

fn data(table: &Table<'_>, folder: &Path) -> Result<DataSpec> {
    let source = table.source();
    let train = files(source, "train", table.require("train", "train = \"data/digits.csv\"")?, folder)?;
    let images = images::read(table, &train)?;
    let train = train.with_images(images);
    let target = match (&train.labels, table.get("target")) {
        (None, None) if images.is_some() => vec![CLASS.to_owned()],
        (None, _) => targets(source, "target", table.require("target", "target = \"label\"")?)?,
        (Some(_), None) => vec![TARGETS.to_owned()],
        (Some(_), Some(value)) => {
            let message =
                "`target` names columns of the training file, but its targets are in the file `y`. Remove one";
            return Err(source.error(&value.span(), message));
        }
    };
    let data = DataSpec {
        target,
        columns: columns(table)?,
        validation: table.get("validation").map(|v| validation(source, v, folder, &train)).transpose()?,
        scale: table.named(
            "scale",
            Scale::None,
            "\"standard\", \"minmax\" or \"none\"",
            Scale::NAMES,
            Scale::by_name,
        )?,
        image: table.get("image").map(|value| sides(source, "image", value)).transpose()?,
        reading: Reading::read(table)?,
        train,
    };
    table.finish()?;
    Ok(data)
}

fn file(source: &Source<'_>, key: &str, value: &Value<'_>, folder: &Path) -> Result<DataFile> {
    let written = source.text_of(key, "the path of a file", value)?;
    if written.is_empty() {
        return Err(source.error(&value.span(), format!("`{key}` is an empty path. Name a file")));
    }
    Ok(DataFile::new(written, folder))
}

/// A file, or `{ x = FILE, y = FILE }` where features and targets are arrays of their own.
fn files(source: &Source<'_>, key: &str, value: &Value<'_>, folder: &Path) -> Result<DataFile> {
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        return file(source, key, value, folder);
    }
    let table = Table::of_value(source, key, value)?;
    let example = "{ x = \"images.npy\", y = \"labels.npy\" }";
    let x = file(source, "x", table.require("x", example)?, folder)?;
    let y = file(source, "y", table.require("y", example)?, folder)?;
    table.finish()?;
    Ok(x.with_labels(y))
}

fn targets(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<Vec<String>> {
    let expected = "the name of a column, or a list of names";
    let DeValue::Array(list) = value.get_ref() else {
        return Ok(vec![source.text_of(key, expected, value)?.to_owned()]);
    };
    if list.is_empty() {
        return Err(source.error(&value.span(), format!("`{key}` is an empty list. Name at least one column")));
    }
    let mut names: Vec<String> = Vec::with_capacity(list.len());
    for entry in list.iter() {
        let name = source.text_of(key, expected, entry)?;
        if names.iter().any(|n| n == name) {
            return Err(source.error(&entry.span(), format!("`{key}` lists \"{name}\" twice. Remove one of them")));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn columns(table: &Table<'_>) -> Result<Columns> {
    let source = table.source();
    let names = |key| table.get(key).map_or(Ok(Vec::new()), |value| targets(source, key, value));
    let missing = |value: &Value<'_>| {
        let name = source.text_of("missing", "\"error\", \"mean\", \"zero\" or \"skip\"", value)?;
        let rule = format!("rule \"{name}\" for missing values");
        Missing::by_name(name).ok_or_else(|| source.unknown(&value.span(), &rule, name, Missing::NAMES))
    };
    Ok(Columns {
        features: names("features")?,
        ignore: names("ignore")?,
        categorical: names("categorical")?,
        sample_weight: table.get("sample_weight").map(|value| sample_weight(source, value)).transpose()?,
        missing: table.get("missing").map_or(Ok(Missing::Error), missing)?,
    })
}

fn sample_weight(source: &Source<'_>, value: &Value<'_>) -> Result<String> {
    let name = source.text_of("sample_weight", "the name of a column", value)?;
    if name.is_empty() {
        return Err(source.error(&value.span(), "`sample_weight` is an empty name. Name a column, or remove it"));
    }
    Ok(name.to_owned())
}

fn validation(source: &Source<'_>, value: &Value<'_>, folder: &Path, train: &DataFile) -> Result<Validation> {
    if matches!(value.get_ref(), DeValue::String(_) | DeValue::Table(_)) {
        let found = files(source, "validation", value, folder)?;
        if found.labels.is_some() != train.labels.is_some() {
            let message = "`train` and `validation` must both be one file, or both { x = .., y = .. }";
            return Err(source.error(&value.span(), message));
        }
        return Ok(Validation::File(found.with_images(train.images)));
    }
    let range = "a fraction above 0 and below 1, such as 0.2, or the path of a file";
    number(source, "validation", value, range, |v| v > 0.0 && v < 1.0).map(Validation::Fraction)
}

/// Rows and columns of pixels.
pub(super) fn sides(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<[usize; 2]> {
    let sides =
        value.get_ref().as_array().and_then(|list| Some([list.first()?, list.get(1).filter(|_| list.len() == 2)?]));
    let Some([rows, columns]) = sides else {
        return Err(source.wrong_type(key, "the rows and columns of the pictures, such as [28, 28]", value));
    };
    Ok([size(source, key, rows)?, size(source, key, columns)?])
}

fn model(table: &Table<'_>, folder: &Path) -> Result<ModelSpec> {
    let source = table.source();
    let inputs = table.get("inputs").map(|value| size(source, "inputs", value)).transpose()?;
    let init = table.get("init").map_or(Ok(Init::Auto), |value| choice::init(source, value))?;
    let weights = table.get("weights").map(|value| file(source, "weights", value, folder)).transpose()?;
    let value = table.require("layers", "[[model.layers]] with `dense = 10`")?;
    table.finish()?;
    let DeValue::Array(list) = value.get_ref() else {
        return Err(source.wrong_type("layers", "a list of layers, each a section [[model.layers]]", value));
    };
    if list.is_empty() {
        return Err(source.error(&value.span(), "`layers` is empty. Add at least one layer, such as { dense = 10 }"));
    }
    let layers = list
        .iter()
        .enumerate()
        .map(|(i, value)| layer(Table::of_value(source, format!("layer {i} of [[model.layers]]"), value)?, init));
    let layers: Vec<Layer> = layers.collect::<Result<_>>()?;
    if !layers.iter().any(|layer| layer.module.width().is_some()) {
        let message =
            "`layers` has no dense layer, so nothing says how many outputs there are. Add one, such as { dense = 10 }";
        return Err(source.error(&value.span(), message));
    }
    Ok(ModelSpec { inputs, weights, layers })
}

/// An entry of `[[model.layers]]`, as modules read it.
struct Entry<'a> {
    table: Table<'a>,
    /// What the model says for all layers.
    init: Init,
}

impl Keys for Entry<'_> {
    fn size(&self, key: &'static str) -> Result<usize> {
        size(self.table.source(), key, self.table.require(key, &format!("{key} = 10"))?)
    }

    fn number(&self, key: &'static str, range: &str, accept: fn(f64) -> bool) -> Result<f64> {
        number(self.table.source(), key, self.table.require(key, range)?, range, accept)
    }

    fn flag(&self, key: &'static str, default: bool) -> Result<bool> {
        self.table.flag(key, default)
    }

    fn named_alone(&self, key: &'static str) -> Result<()> {
        let (value, expected) =
            (self.table.require(key, "true")?, "true; without the layer, leave the whole entry out");
        let is_true = value.get_ref().as_bool() == Some(true);
        if is_true { Ok(()) } else { Err(self.table.source().wrong_type(key, expected, value)) }
    }

    fn init(&self) -> Result<Init> {
        self.table.get("init").map_or(Ok(self.init), |value| choice::init(self.table.source(), value))
    }
}

fn layer(table: Table<'_>, init: Init) -> Result<Layer> {
    let source = table.source();
    let named = MODULES.iter().filter_map(|entry| Some((entry.key, table.get(entry.key)?, entry.read)));
    let named: Vec<(&str, &Value<'_>, Read)> = named.collect();
    if let [_, (second, value, _), ..] = named[..] {
        let kinds: Vec<&str> = MODULES.iter().map(|entry| entry.key).collect();
        let message =
            format!("a layer is one of {}, this one has `{second}` too. Make it two entries", kinds.join(", "));
        return Err(source.error(&value.span(), message));
    }
    let read = named.first().map_or(MODULES[0].read, |(_, _, read)| *read);
    let entry = Entry { table, init };
    let module = read(&entry)?;
    let activation = entry.table.get("activation");
    let activation = activation.map_or(Ok(Activation::Identity), |value| choice::activation(source, value))?;
    entry.table.finish()?;
    Ok(Layer { inputs: 0, outputs: 0, activation, module })
}

fn train(table: &Table<'_>, validated: bool) -> Result<TrainSpec> {
    let source = table.source();
    let loss = table.require("loss", "loss = \"cross_entropy\"")?;
    let optimizer = table.require("optimizer", "optimizer = { sgd = { lr = 0.1 } }")?;
    let mut optimizer = super::optimizer::optimizer(source, optimizer)?;
    let schedule = match table.get("schedule") {
        Some(value) => {
            let read = schedule::schedule(source, value)?;
            optimizer = optimizer.under(&read.schedule).map_err(|message| source.error(&value.span(), message))?;
            read
        }
        None => ScheduleSpec::default(),
    };
    let loss = choice::loss(source, loss)?;
    let train = TrainSpec {
        loss: table.get("label_smoothing").map_or(Ok(loss), |value| choice::smoothed(source, loss, value))?,
        class_weights: table
            .get("class_weights")
            .map_or(Ok(ClassWeights::Equal), |value| ClassWeights::read(source, value))?,
        optimizer,
        schedule,
        clip: table.get("clip").map(|value| super::optimizer::clip(source, value)).transpose()?,
        batch_size: table.size("batch_size", 32)?,
        accumulate: table.size("accumulate", 1)?,
        epochs: table.size("epochs", 10)?,
        seed: table.get("seed").map_or(Ok(0), |value| seed(source, value))?,
        validate_every: table.size("validate_every", 1)?,
        early_stopping: table.get("early_stopping").map(|value| early::read(source, value, validated)).transpose()?,
        checkpoint: table.get("checkpoint").map_or(Ok(CheckpointSpec::default()), |value| checkpoint(source, value))?,
    };
    table.finish()?;
    Ok(train)
}

fn checkpoint<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<CheckpointSpec> {
    let table = Table::of_value(source, "[train.checkpoint]", value)?;
    let default = CheckpointSpec::default();
    let checkpoint = CheckpointSpec {
        steps: table.at_least("steps", default.steps, 0)?,
        minutes: table.number("minutes", default.minutes, (MINUTES_RANGE, not_negative))?,
    };
    table.finish()?;
    Ok(checkpoint)
}

const MINUTES_RANGE: &str = "a finite number of at least 0, such as 0.5; 0 for no checkpoints by time";

fn seed(source: &Source<'_>, value: &Value<'_>) -> Result<u64> {
    let integer = value.get_ref().as_integer();
    integer
        .and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok())
        .ok_or_else(|| source.wrong_type("seed", "a whole number from 0 to 2^64 - 1", value))
}
