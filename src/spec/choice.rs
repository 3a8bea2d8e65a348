//! Activations, initial weights, losses and optimizers: a name alone, or a table of the name with its parameters.

use crate::data::nearest::did_you_mean;
use crate::error::Result;
use crate::graph::{Activation, Adam, Loss, Optimizer};
use crate::model::Init;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

use super::table::{Source, Table, Value, describe};

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
    if let Activation::LeakyRelu { slope } = &mut activation {
        *slope = choice
            .parameters
            .number("slope", *slope, "a finite number of at least 0", |v| v.is_finite() && v >= 0.0)?;
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

/// A loss.
pub(super) fn loss<'a>(source: &'a Source<'a>, value: &'a Value<'a>, empty: &'a DeTable<'a>) -> Result<Loss> {
    let choice = choice(source, "loss", value, Loss::NAMES, "{ huber = { delta = 1.5 } }", empty)?;
    let mut loss = named(source, &choice, Loss::by_name(choice.name))?;
    if let Loss::Huber { delta } = &mut loss {
        *delta = choice.parameters.number("delta", *delta, "a finite number above 0", positive)?;
    }
    choice.parameters.finish()?;
    Ok(loss)
}

/// The value of a listed name. Every listed name has one; should the list ever run ahead, that is said, not assumed.
fn named<T>(source: &Source<'_>, choice: &Choice<'_>, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| source.error(&choice.span, format!("\"{}\" is not available", choice.name)))
}

/// An optimizer.
pub(super) fn optimizer<'a>(source: &'a Source<'a>, value: &'a Value<'a>, empty: &'a DeTable<'a>) -> Result<Optimizer> {
    let choice = choice(source, "optimizer", value, Optimizer::NAMES, "{ sgd = { lr = 0.1 } }", empty)?;
    let optimizer = match choice.name {
        "sgd" => sgd(&choice.parameters)?,
        "adam" => Optimizer::Adam(adam(&choice.parameters, 0.0)?),
        _ => Optimizer::AdamW(adam(&choice.parameters, 0.01)?),
    };
    choice.parameters.finish()?;
    Ok(optimizer)
}

fn sgd(parameters: &Table<'_>) -> Result<Optimizer> {
    parameters.require("lr", "optimizer = { sgd = { lr = 0.1 } }")?;
    let lr = parameters.number("lr", 0.0, LR_RANGE, positive)?;
    let momentum = parameters.number("momentum", 0.0, FRACTION_RANGE, fraction)?;
    let nesterov = parameters.flag("nesterov", false)?;
    let weight_decay = weight_decay(parameters, 0.0)?;
    if let Some(value) = parameters.get("nesterov").filter(|_| nesterov && momentum == 0.0) {
        return Err(parameters.source().error(
            &value.span(),
            "`nesterov = true` needs a momentum above 0. Add for example momentum = 0.9, or remove nesterov",
        ));
    }
    Ok(Optimizer::Sgd { lr, momentum, nesterov, weight_decay })
}

/// The constants of Adam and AdamW; the defaults are those of PyTorch, which differ in the weight decay only.
fn adam(parameters: &Table<'_>, default_weight_decay: f64) -> Result<Adam> {
    Ok(Adam {
        lr: parameters.number("lr", 1e-3, LR_RANGE, positive)?,
        beta1: parameters.number("beta1", 0.9, FRACTION_RANGE, fraction)?,
        beta2: parameters.number("beta2", 0.999, FRACTION_RANGE, fraction)?,
        eps: parameters.number("eps", 1e-8, "a finite number above 0", positive)?,
        weight_decay: weight_decay(parameters, default_weight_decay)?,
    })
}

fn weight_decay(parameters: &Table<'_>, default: f64) -> Result<f64> {
    parameters.number("weight_decay", default, "a finite number of at least 0", |v| v.is_finite() && v >= 0.0)
}

const LR_RANGE: &str = "a finite number above 0, such as 0.01";
const FRACTION_RANGE: &str = "a number of at least 0 and below 1, such as 0.9";

pub(super) fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn fraction(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
