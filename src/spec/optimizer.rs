//! `train.optimizer` and `train.clip`: from the spec and back.

use crate::error::Result;
use crate::graph::{Clip, Optimizer};
use crate::optim::Constant;

use super::choice::{Slot, Slots, choice, named, read_into, written};
use super::table::{Range, Source, Table, Value, positive};

/// An optimizer.
pub(super) fn optimizer<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<Optimizer> {
    let choice = choice(source, "optimizer", value, Optimizer::NAMES, "{ sgd = { lr = 0.1 } }")?;
    let keys = &choice.parameters;
    let mut optimizer = named(source, &choice, Optimizer::by_name(choice.name))?;
    if optimizer.lr() == 0.0 {
        keys.require("lr", &format!("optimizer = {{ {} = {{ lr = 0.1 }} }}", choice.name))?;
    }
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

/// Its constants, in the order in which a spec has them.
fn slots(optimizer: &mut Optimizer) -> Slots<'_> {
    let slot = |(key, constant)| match constant {
        Constant::Number(value, domain) => (key, Slot::Number(value, (domain.words, domain.holds))),
        Constant::Flag(value) => (key, Slot::Flag(value)),
    };
    optimizer.constants().into_iter().map(slot).collect()
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
    format!("{{ {name} = {{ {} }} }}", written(slots(&mut optimizer)))
}
