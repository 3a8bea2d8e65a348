//! `train.optimizer` and `train.clip`: from the spec and back.

use crate::error::Result;
use crate::graph::{Adagrad, Adam, Clip, Optimizer, RmsProp};

use super::choice::Slot::{Flag, Number};
use super::choice::{Slots, choice, read_into, written};
use super::table::{NOT_NEGATIVE, Range, Source, Table, Value, positive};

const LR: Range = ("a finite number above 0, such as 0.01", positive);
const FRACTION: Range = ("a number of at least 0 and below 1, such as 0.9", |value| (0.0..1.0).contains(&value));
const EPS: Range = ("a finite number above 0", positive);

/// An optimizer; the defaults are those of PyTorch.
pub(super) fn optimizer<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Optimizer> {
    let choice = choice(source, "optimizer", value, Optimizer::NAMES, "{ sgd = { lr = 0.1 } }")?;
    let keys = &choice.parameters;
    let mut optimizer = match choice.name {
        "sgd" => {
            keys.require("lr", "optimizer = { sgd = { lr = 0.1 } }")?;
            Optimizer::sgd(0.0)
        }
        "adam" => Optimizer::adam(1e-3),
        "nadam" => Optimizer::nadam(2e-3),
        "rmsprop" => Optimizer::rmsprop(0.01),
        "adagrad" => Optimizer::adagrad(0.01),
        "lion" => Optimizer::lion(1e-4),
        _ => Optimizer::adamw(1e-3),
    };
    read_into(keys, slots(&mut optimizer))?;
    if let Optimizer::Sgd { nesterov: true, momentum: 0.0, .. } = optimizer
        && let Some(value) = keys.get("nesterov")
    {
        let message = "`nesterov = true` needs a momentum above 0. Add for example momentum = 0.9, or remove nesterov";
        return Err(source.error(&value.span(), message));
    }
    keys.finish()?;
    Ok(optimizer)
}

/// The parameters of an optimizer, in the order in which they are read and named.
fn slots(optimizer: &mut Optimizer) -> Slots<'_> {
    match optimizer {
        Optimizer::Sgd { lr, momentum, nesterov, weight_decay } => vec![
            ("lr", Number(lr, LR)),
            ("momentum", Number(momentum, FRACTION)),
            ("nesterov", Flag(nesterov)),
            ("weight_decay", Number(weight_decay, NOT_NEGATIVE)),
        ],
        Optimizer::Adam(adam) | Optimizer::AdamW(adam) => of_adam(adam),
        Optimizer::NAdam { adam, momentum_decay } => {
            let mut slots = of_adam(adam);
            slots.push(("momentum_decay", Number(momentum_decay, NOT_NEGATIVE)));
            slots
        }
        Optimizer::RmsProp(RmsProp { lr, alpha, eps, momentum, centered, weight_decay }) => vec![
            ("lr", Number(lr, LR)),
            ("alpha", Number(alpha, FRACTION)),
            ("eps", Number(eps, EPS)),
            ("momentum", Number(momentum, FRACTION)),
            ("centered", Flag(centered)),
            ("weight_decay", Number(weight_decay, NOT_NEGATIVE)),
        ],
        Optimizer::Adagrad(Adagrad { lr, lr_decay, eps, initial_accumulator, weight_decay }) => vec![
            ("lr", Number(lr, LR)),
            ("lr_decay", Number(lr_decay, NOT_NEGATIVE)),
            ("eps", Number(eps, EPS)),
            ("initial_accumulator", Number(initial_accumulator, NOT_NEGATIVE)),
            ("weight_decay", Number(weight_decay, NOT_NEGATIVE)),
        ],
        Optimizer::Lion { lr, beta1, beta2, weight_decay } => vec![
            ("lr", Number(lr, LR)),
            ("beta1", Number(beta1, FRACTION)),
            ("beta2", Number(beta2, FRACTION)),
            ("weight_decay", Number(weight_decay, NOT_NEGATIVE)),
        ],
    }
}

/// The constants of Adam and its kin.
fn of_adam(adam: &mut Adam) -> Slots<'_> {
    let Adam { lr, beta1, beta2, eps, weight_decay } = adam;
    vec![
        ("lr", Number(lr, LR)),
        ("beta1", Number(beta1, FRACTION)),
        ("beta2", Number(beta2, FRACTION)),
        ("eps", Number(eps, EPS)),
        ("weight_decay", Number(weight_decay, NOT_NEGATIVE)),
    ]
}

/// `train.clip`.
pub(super) fn clip<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Clip> {
    let table = Table::of_value(source, "clip", value)?;
    let range: Range = ("a finite number above 0, such as 1.0", positive);
    let [norm, limit] = Clip::NAMES else { unreachable!("there are two ways to clip") };
    let clip = match (table.get(norm), table.get(limit)) {
        (Some(_), None) => Clip::Norm(table.number(norm, 1.0, range)?),
        (None, Some(_)) => Clip::Value(table.number(limit, 1.0, range)?),
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
pub(super) fn text(mut optimizer: Optimizer) -> String {
    let name = optimizer.name();
    // The text of a spec is part of a run's identity: this key has always been written last.
    let centered_last = matches!(optimizer, Optimizer::RmsProp(_));
    let mut slots = slots(&mut optimizer);
    if centered_last {
        slots.swap(4, 5);
    }
    format!("{{ {name} = {{ {} }} }}", written(slots))
}
