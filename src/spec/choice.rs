//! Activations, initial weights, losses and optimizers: a name alone, or a table of the name with its parameters.

use crate::error::Result;
use crate::graph::{Activation, Loss};
use crate::nn::Init;
use std::ops::Range;
use toml::de::DeValue;

use super::table::{self, NOT_NEGATIVE, Source, Table, Value, describe, number, positive};
use super::write::float;

/// One of a list of named things, with its parameters.
pub(super) struct Choice<'a> {
    pub name: &'a str,
    /// The parameters; an empty table where the name stands alone.
    pub parameters: Table<'a>,
    span: Range<usize>,
}

/// Reads `"name"` or `{ name = { parameter = value } }`. `kind` is the word for messages, `example` shows the second
/// form.
pub(super) fn choice<'a>(
    source: &'a Source<'a>,
    kind: &str,
    value: &'a Value<'a>,
    names: &[&str],
    example: &str,
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
        return Err(source.unknown(&span, &format!("{kind} \"{name}\""), name, names));
    }
    let label = format!("{kind} {name}");
    let parameters = match parameters {
        Some(parameters) => Table::of_value(source, label, parameters)?,
        None => Table::new(source, label, span.clone(), &source.empty),
    };
    Ok(Choice { name, parameters, span })
}

/// An activation.
pub(super) fn activation<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Activation> {
    let choice = choice(source, "activation", value, Activation::NAMES, "{ leaky_relu = { slope = 0.2 } }")?;
    let mut activation = named(source, &choice, Activation::by_name(choice.name))?;
    if let Some((key, value)) = activation.parameter() {
        activation = activation.with_parameter(choice.parameters.number(key, value, NOT_NEGATIVE)?);
    }
    choice.parameters.finish()?;
    Ok(activation)
}

/// A way to draw initial weights.
pub(super) fn init<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Init> {
    let choice = choice(source, "init", value, Init::NAMES, "{ normal = { std = 0.02 } }")?;
    let mut init = named(source, &choice, Init::by_name(choice.name))?;
    let parameter = match &mut init {
        Init::Uniform { bound } => Some(("bound", bound)),
        Init::Normal { std } => Some(("std", std)),
        Init::Orthogonal { gain } => Some(("gain", gain)),
        _ => None,
    };
    if let Some((key, value)) = parameter {
        *value = choice.parameters.number(key, *value, ("a finite number above 0", positive))?;
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
pub(super) fn loss<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Loss> {
    let choice = choice(source, "loss", value, Loss::NAMES, "{ huber = { delta = 1.5 } }")?;
    let mut loss = named(source, &choice, Loss::by_name(choice.name))?;
    if let Some((known, value)) = loss.parameter() {
        *value = choice.parameters.number(known.key, *value, (known.range, known.valid))?;
    }
    choice.parameters.finish()?;
    Ok(loss)
}

/// The value of a listed name. Every listed name has one; should the list ever run ahead, that is said, not assumed.
pub(super) fn named<T>(source: &Source<'_>, choice: &Choice<'_>, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| source.error(&choice.span, format!("\"{}\" is not available", choice.name)))
}

/// Where a parameter lies and what it may be: specs are read into it and written from it.
pub(super) enum Slot<'s> {
    Number(&'s mut f64, table::Range),
    /// A whole number of at least as much.
    Count(&'s mut u64, i128),
    /// A whole number.
    ShortCount(&'s mut u32),
    Flag(&'s mut bool),
    /// One of two words, the second where it is true.
    Word(&'s mut bool, [&'static str; 2]),
}

/// The parameters of a choice by their keys.
pub(super) type Slots<'s> = Vec<(&'static str, Slot<'s>)>;

/// Reads all `slots`; those that are not written stay as they are.
pub(super) fn read_into(keys: &Table<'_>, slots: Slots<'_>) -> Result<()> {
    for (key, slot) in slots {
        match slot {
            Slot::Number(value, range) => *value = keys.number(key, *value, range)?,
            Slot::Count(value, low) => *value = keys.at_least(key, *value as usize, low)? as u64,
            Slot::ShortCount(value) => *value = keys.at_least(key, *value as usize, 0)? as u32,
            Slot::Flag(value) => *value = keys.flag(key, *value)?,
            Slot::Word(value, words) => *value = one_of(keys, key, words, words[usize::from(*value)])? == words[1],
        }
    }
    Ok(())
}

/// `key = value` of all `slots`.
pub(super) fn written(slots: Slots<'_>) -> String {
    let each = slots.into_iter().map(|(key, slot)| match slot {
        Slot::Number(value, _) => format!("{key} = {}", float(*value)),
        Slot::Count(value, _) => format!("{key} = {value}"),
        Slot::ShortCount(value) => format!("{key} = {value}"),
        Slot::Flag(value) => format!("{key} = {value}"),
        Slot::Word(value, words) => format!("{key} = \"{}\"", words[usize::from(*value)]),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// One of two words.
pub(super) fn one_of(
    keys: &Table<'_>,
    key: &'static str,
    words: [&'static str; 2],
    default: &'static str,
) -> Result<&'static str> {
    let Some(value) = keys.get(key) else { return Ok(default) };
    let expected = format!("\"{}\" or \"{}\"", words[0], words[1]);
    let written = keys.source().text_of(key, &expected, value)?;
    let found = words.into_iter().find(|word| *word == written);
    found.ok_or_else(|| keys.source().wrong_type(key, &expected, value))
}
