//! Activations, initial weights, losses and optimizers: a name alone, or a table of the name with its parameters.

use crate::data::nearest::did_you_mean;
use crate::error::Result;
use crate::graph::{Activation, Loss};
use crate::model::Init;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

use super::table::{Source, Table, Value, describe, number};

/// One of a list of named things, with its parameters.
pub(super) struct Choice<'a> {
    pub name: &'a str,
    /// The parameters; an empty table where the name stands alone.
    pub parameters: Table<'a>,
    span: Range<usize>,
}

/// Reads `"name"` or `{ name = { parameter = value } }`. `kind` is the word for messages, `example` shows the second
/// form, and `empty` is an empty table.
pub(super) fn choice<'a>(
    source: &'a Source<'a>,
    kind: &str,
    value: &'a Value<'a>,
    names: &[&str],
    example: &str,
    empty: &'a DeTable<'a>,
) -> Result<Choice<'a>> {
    let form = format!("a name, or a table such as {example}");
    let (name, span, parameters) = match value.get_ref() {
        DeValue::String(name) => (name.as_ref(), value.span(), None),
        DeValue::Table(table) => match (table.iter().next(), table.len()) {
            (Some((key, parameters)), 1) => (key.get_ref().as_ref(), key.span(), Some(parameters)),
            (_, count) => {
                return Err(source.error(&value.span(), format!("`{kind}` must be {form}, found {count} names in it")));
            }
        },
        other => {
            return Err(source.error(&value.span(), format!("`{kind}` must be {form}, found {}", describe(other))));
        }
    };
    if !names.contains(&name) {
        let near = did_you_mean(name, names.iter().copied());
        return Err(source.error(&span, format!("unknown {kind} \"{name}\"{near} Known are {}", names.join(", "))));
    }
    let label = format!("{kind} {name}");
    let parameters = match parameters {
        Some(parameters) => Table::of_value(source, label, parameters)?,
        None => Table::new(source, label, span.clone(), empty),
    };
    Ok(Choice { name, parameters, span })
}

/// An activation.
pub(super) fn activation<'a>(
    source: &'a Source<'a>,
    value: &'a Value<'a>,
    empty: &'a DeTable<'a>,
) -> Result<Activation> {
    let choice = choice(source, "activation", value, Activation::NAMES, "{ leaky_relu = { slope = 0.2 } }", empty)?;
    let mut activation = named(source, &choice, Activation::by_name(choice.name))?;
    if let Some((key, value)) = activation.parameter() {
        let range = "a finite number of at least 0";
        let value = choice.parameters.number(key, value, range, |v| v.is_finite() && v >= 0.0)?;
        activation = activation.with_parameter(value);
    }
    choice.parameters.finish()?;
    Ok(activation)
}

/// A way to draw initial weights.
pub(super) fn init<'a>(source: &'a Source<'a>, value: &'a Value<'a>, empty: &'a DeTable<'a>) -> Result<Init> {
    let choice = choice(source, "init", value, Init::NAMES, "{ normal = { std = 0.02 } }", empty)?;
    let mut init = named(source, &choice, Init::by_name(choice.name))?;
    let parameter = match &mut init {
        Init::Uniform { bound } => Some(("bound", bound)),
        Init::Normal { std } => Some(("std", std)),
        Init::Orthogonal { gain } => Some(("gain", gain)),
        _ => None,
    };
    if let Some((key, value)) = parameter {
        *value = choice.parameters.number(key, *value, "a finite number above 0", positive)?;
    }
    choice.parameters.finish()?;
    Ok(init)
}

/// A loss with smoothed labels; `value` is the share of each label that is spread over all classes.
pub(super) fn smoothed<'a>(source: &'a Source<'a>, loss: Loss, value: &'a Value<'a>) -> Result<Loss> {
    let range = "a number of at least 0 and below 1, such as 0.1";
    let smoothing = number(source, "label_smoothing", value, range, |s| (0.0..1.0).contains(&s))?;
    loss.smoothed(smoothing).ok_or_else(|| {
        let message = format!(
            "`label_smoothing` spreads the label of cross_entropy over the classes; {} has numbers for targets. Remove \
             it, or write softened targets (such as 0.05 and 0.95) into the data",
            loss.name()
        );
        source.error(&value.span(), message)
    })
}

/// A loss.
pub(super) fn loss<'a>(source: &'a Source<'a>, value: &'a Value<'a>, empty: &'a DeTable<'a>) -> Result<Loss> {
    let choice = choice(source, "loss", value, Loss::NAMES, "{ huber = { delta = 1.5 } }", empty)?;
    let mut loss = named(source, &choice, Loss::by_name(choice.name))?;
    if let Some((known, value)) = loss.parameter() {
        *value = choice.parameters.number(known.key, *value, known.range, known.valid)?;
    }
    choice.parameters.finish()?;
    Ok(loss)
}

/// The value of a listed name. Every listed name has one; should the list ever run ahead, that is said, not assumed.
fn named<T>(source: &Source<'_>, choice: &Choice<'_>, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| source.error(&choice.span, format!("\"{}\" is not available", choice.name)))
}

pub(super) fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
