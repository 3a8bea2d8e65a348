//! `train.optimizer` and `train.clip`: from the spec and back.

use crate::error::Result;
use crate::graph::{Adagrad, Adam, Clip, Optimizer, RmsProp};
use toml::de::DeTable;

use super::choice::{choice, positive};
use super::table::{Source, Table, Value};
use super::write::float;

/// An optimizer.
pub(super) fn optimizer<'a>(source: &'a Source<'a>, value: &'a Value<'a>, empty: &'a DeTable<'a>) -> Result<Optimizer> {
    let choice = choice(source, "optimizer", value, Optimizer::NAMES, "{ sgd = { lr = 0.1 } }", empty)?;
    let optimizer = match choice.name {
        "sgd" => sgd(&choice.parameters)?,
        "adam" => Optimizer::Adam(adam(&choice.parameters, Adam::new(1e-3))?),
        "nadam" => {
            let adam = adam(&choice.parameters, Adam::new(2e-3))?;
            let momentum_decay = choice.parameters.number("momentum_decay", 4e-3, NOT_NEGATIVE, not_negative)?;
            Optimizer::NAdam { adam, momentum_decay }
        }
        "rmsprop" => Optimizer::RmsProp(rmsprop(&choice.parameters)?),
        "adagrad" => Optimizer::Adagrad(adagrad(&choice.parameters)?),
        "lion" => lion(&choice.parameters)?,
        _ => Optimizer::AdamW(adam(&choice.parameters, Adam { weight_decay: 0.01, ..Adam::new(1e-3) })?),
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

/// The constants of Adam and its kin; the defaults are those of PyTorch, which differ in learning rate and weight decay only.
fn adam(parameters: &Table<'_>, default: Adam) -> Result<Adam> {
    Ok(Adam {
        lr: parameters.number("lr", default.lr, LR_RANGE, positive)?,
        beta1: parameters.number("beta1", default.beta1, FRACTION_RANGE, fraction)?,
        beta2: parameters.number("beta2", default.beta2, FRACTION_RANGE, fraction)?,
        eps: parameters.number("eps", default.eps, EPS_RANGE, positive)?,
        weight_decay: weight_decay(parameters, default.weight_decay)?,
    })
}

fn rmsprop(parameters: &Table<'_>) -> Result<RmsProp> {
    let default = RmsProp::new(0.01);
    Ok(RmsProp {
        lr: parameters.number("lr", default.lr, LR_RANGE, positive)?,
        alpha: parameters.number("alpha", default.alpha, FRACTION_RANGE, fraction)?,
        eps: parameters.number("eps", default.eps, EPS_RANGE, positive)?,
        momentum: parameters.number("momentum", default.momentum, FRACTION_RANGE, fraction)?,
        centered: parameters.flag("centered", default.centered)?,
        weight_decay: weight_decay(parameters, default.weight_decay)?,
    })
}

fn adagrad(parameters: &Table<'_>) -> Result<Adagrad> {
    let default = Adagrad::new(0.01);
    Ok(Adagrad {
        lr: parameters.number("lr", default.lr, LR_RANGE, positive)?,
        lr_decay: parameters.number("lr_decay", default.lr_decay, NOT_NEGATIVE, not_negative)?,
        eps: parameters.number("eps", default.eps, EPS_RANGE, positive)?,
        initial_accumulator: parameters.number(
            "initial_accumulator",
            default.initial_accumulator,
            NOT_NEGATIVE,
            not_negative,
        )?,
        weight_decay: weight_decay(parameters, default.weight_decay)?,
    })
}

fn lion(parameters: &Table<'_>) -> Result<Optimizer> {
    Ok(Optimizer::Lion {
        lr: parameters.number("lr", 1e-4, LR_RANGE, positive)?,
        beta1: parameters.number("beta1", 0.9, FRACTION_RANGE, fraction)?,
        beta2: parameters.number("beta2", 0.99, FRACTION_RANGE, fraction)?,
        weight_decay: weight_decay(parameters, 0.0)?,
    })
}

fn weight_decay(parameters: &Table<'_>, default: f64) -> Result<f64> {
    parameters.number("weight_decay", default, NOT_NEGATIVE, not_negative)
}

const LR_RANGE: &str = "a finite number above 0, such as 0.01";
const FRACTION_RANGE: &str = "a number of at least 0 and below 1, such as 0.9";
const NOT_NEGATIVE: &str = "a finite number of at least 0";
const EPS_RANGE: &str = "a finite number above 0";

fn fraction(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}

fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// `train.clip`.
pub(super) fn clip<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Clip> {
    let table = Table::of_value(source, "clip", value)?;
    let range = "a finite number above 0, such as 1.0";
    let [norm, limit] = Clip::NAMES else { unreachable!("there are two ways to clip") };
    let clip = match (table.get(norm), table.get(limit)) {
        (Some(_), None) => Clip::Norm(table.number(norm, 1.0, range, positive)?),
        (None, Some(_)) => Clip::Value(table.number(limit, 1.0, range, positive)?),
        (Some(_), Some(_)) => {
            return Err(
                source.error(&value.span(), "`clip` has both norm and value. Choose one, such as { norm = 1.0 }")
            );
        }
        (None, None) => {
            table.finish()?;
            return Err(source.error(&value.span(), "`clip` is empty. Write { norm = 1.0 } or { value = 0.5 }"));
        }
    };
    table.finish()?;
    Ok(clip)
}

/// The optimizer as a spec has it, every key written out.
pub(super) fn text(optimizer: Optimizer) -> String {
    let keys: Vec<(&str, f64)> = match optimizer {
        Optimizer::Sgd { lr, momentum, weight_decay, .. } => {
            vec![("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)]
        }
        Optimizer::Adam(a) | Optimizer::AdamW(a) => of_adam(a).to_vec(),
        Optimizer::NAdam { adam, momentum_decay } => {
            of_adam(adam).into_iter().chain([("momentum_decay", momentum_decay)]).collect()
        }
        Optimizer::RmsProp(RmsProp { lr, alpha, eps, momentum, weight_decay, .. }) => {
            vec![("lr", lr), ("alpha", alpha), ("eps", eps), ("momentum", momentum), ("weight_decay", weight_decay)]
        }
        Optimizer::Adagrad(Adagrad { lr, lr_decay, eps, initial_accumulator, weight_decay }) => vec![
            ("lr", lr),
            ("lr_decay", lr_decay),
            ("eps", eps),
            ("initial_accumulator", initial_accumulator),
            ("weight_decay", weight_decay),
        ],
        Optimizer::Lion { lr, beta1, beta2, weight_decay } => {
            vec![("lr", lr), ("beta1", beta1), ("beta2", beta2), ("weight_decay", weight_decay)]
        }
    };
    let mut parameters: Vec<String> = keys.into_iter().map(|(key, v)| format!("{key} = {}", float(v))).collect();
    match optimizer {
        Optimizer::Sgd { nesterov, .. } => parameters.insert(2, format!("nesterov = {nesterov}")),
        Optimizer::RmsProp(r) => parameters.push(format!("centered = {}", r.centered)),
        _ => {}
    }
    format!("{{ {} = {{ {} }} }}", optimizer.name(), parameters.join(", "))
}

fn of_adam(a: Adam) -> [(&'static str, f64); 5] {
    let Adam { lr, beta1, beta2, eps, weight_decay } = a;
    [("lr", lr), ("beta1", beta1), ("beta2", beta2), ("eps", eps), ("weight_decay", weight_decay)]
}
