//! `[train.early_stopping]`

use crate::error::Result;
use crate::report::Monitor;
use std::fmt::Write;

use super::EarlyStopping;
use super::table::{NOT_NEGATIVE, Source, Table, Value};

/// Reads the section; `validated` says whether there are rows to validate on.
pub(super) fn read<'a>(source: &'a Source<'a>, value: &'a Value<'a>, validated: bool) -> Result<EarlyStopping> {
    let table = Table::of_value(source, "[train.early_stopping]", value)?;
    let default = EarlyStopping::default();
    let early = EarlyStopping {
        monitor: table.named(
            "monitor",
            default.monitor,
            "the name of a metric, such as \"validation_loss\"",
            &Monitor::ALL.map(Monitor::name),
            Monitor::by_name,
        )?,
        patience: table.size("patience", default.patience)?,
        min_delta: table.number("min_delta", default.min_delta, NOT_NEGATIVE)?,
        restore_best: table.flag("restore_best", default.restore_best)?,
    };
    table.finish()?;
    if !validated {
        let message = "early stopping watches the validation, and this spec has none. Add for example validation = 0.2 \
                       to [data]";
        return Err(source.error(&value.span(), message));
    }
    Ok(early)
}

/// Writes the section.
pub(super) fn write(early: &EarlyStopping, out: &mut String) -> std::fmt::Result {
    let EarlyStopping { monitor, patience, min_delta, restore_best } = early;
    writeln!(out, "\n[train.early_stopping]\nmonitor = \"{}\"\npatience = {patience}", monitor.name())?;
    writeln!(out, "min_delta = {min_delta:?}\nrestore_best = {restore_best}")
}
