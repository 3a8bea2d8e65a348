//! From target columns to targets: class indices, one-hot rows, or numbers, as the loss and the outputs demand.

use crate::error::{Error, Result};
use crate::graph::Loss;
use std::collections::{BTreeSet, HashMap};

use super::nearest::quoted_list;
use super::{RawTable, Targets};

/// What the targets are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetRule {
    /// The loss that compares outputs with targets.
    pub loss: Loss,
    /// Outputs of the network.
    pub outputs: usize,
}

/// What a single target column holds.
enum Column {
    /// Only whole numbers.
    Integers(BTreeSet<i64>),
    /// Only finite numbers; the row is the first one with a fraction.
    Numbers { fraction_row: usize },
    /// Some cell is not a number; the row is the first such one. `mixed`: other cells are numbers.
    Text { names: BTreeSet<String>, text_row: usize, mixed: bool },
}

/// Decides whether the target is classes, and which; `None` means numbers.
///
/// Names are sorted; integers are in numeric order. Integers that all lie in 0..outputs are class indices themselves,
/// whether or not each of them occurs.
pub(super) fn choose_classes(table: &RawTable, columns: &[usize], rule: TargetRule) -> Result<Option<Vec<String>>> {
    let &[column] = columns else {
        check_column_count(table, columns, rule)?;
        return Ok(None);
    };
    match (scan(table, column)?, rule.loss.takes_class(), rule.outputs) {
        (Column::Numbers { fraction_row }, true, _) => Err(table.cell_error(
            fraction_row,
            column,
            format!(
                "cross_entropy takes classes (names or whole numbers), found {}. For numbers use a loss such as mse",
                table.cell(fraction_row, column)
            ),
        )),
        (Column::Numbers { .. }, false, _) | (Column::Integers(_), false, 1) => {
            check_column_count(table, columns, rule)?;
            Ok(None)
        }
        (Column::Integers(values), _, outputs) => integer_classes(table, column, values, outputs).map(Some),
        (Column::Text { text_row, mixed: true, .. }, false, _) => {
            // Numbers with a few words among them are a faulty column of numbers, not a column of classes.
            table.number(text_row, column).map(|_| None)
        }
        (Column::Text { names, .. }, false, 1) => {
            check_class_count(table, column, names.len(), 2, "1 output tells 2 classes apart")?;
            Ok(Some(names.into_iter().collect()))
        }
        (Column::Text { names, text_row, mixed }, _, outputs) => {
            let reason = if mixed {
                format!("{} (\"{}\" is not a number)", table.place(text_row, column), table.cell(text_row, column))
            } else {
                "one output belongs to each class".to_owned()
            };
            check_class_count(table, column, names.len(), outputs, &reason)?;
            Ok(Some(names.into_iter().collect()))
        }
    }
}

fn integer_classes(table: &RawTable, column: usize, values: BTreeSet<i64>, outputs: usize) -> Result<Vec<String>> {
    let in_range = |v: &i64| usize::try_from(*v).is_ok_and(|v| v < outputs);
    if values.iter().all(in_range) {
        return Ok((0..outputs).map(|c| c.to_string()).collect());
    }
    check_class_count(table, column, values.len(), outputs, "one output belongs to each class")?;
    Ok(values.iter().map(i64::to_string).collect())
}

fn check_class_count(table: &RawTable, column: usize, found: usize, expected: usize, reason: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::data(
        format!("{}, column \"{}\"", table.path().display(), table.columns()[column]),
        format!(
            "the column has {found} distinct classes, the network distinguishes {expected} ({reason}). Set `dense = \
             {found}` in the last layer, or correct the column"
        ),
    ))
}

/// Refuses a number of target columns that is not the number of outputs.
fn check_column_count(table: &RawTable, columns: &[usize], rule: TargetRule) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(|&c| table.columns()[c].as_str()).collect();
    let (found, names) = (columns.len(), quoted_list(&names));
    if rule.loss.takes_class() {
        return Err(table.header_error(format!(
            "cross_entropy takes one target column of classes, found {found} ({names}). Name one column in `target`, \
             or use bce_with_logits for several yes-or-no targets"
        )));
    }
    if found != rule.outputs {
        return Err(table.header_error(format!(
            "{found} target column(s) ({names}) for {} network outputs. Set `dense = {found}` in the last layer, or \
             name one target column for each output",
            rule.outputs
        )));
    }
    Ok(())
}

/// Looks through a target column. Refuses empty cells, NaN and infinity in any kind of column: they are missing values.
fn scan(table: &RawTable, column: usize) -> Result<Column> {
    let mut integers = BTreeSet::new();
    let mut fraction_row = None;
    let mut text_row = None;
    for row in 0..table.rows() {
        let text = table.cell(row, column);
        match text.parse::<f64>() {
            Err(_) if !text.is_empty() => {
                text_row.get_or_insert(row);
            }
            _ => match as_integer(table.number(row, column)?) {
                Some(value) => {
                    integers.insert(value);
                }
                None => {
                    fraction_row.get_or_insert(row);
                }
            },
        }
    }
    Ok(match (text_row, fraction_row) {
        (Some(text_row), _) => Column::Text {
            names: (0..table.rows()).map(|row| table.cell(row, column).to_owned()).collect(),
            text_row,
            mixed: fraction_row.is_some() || !integers.is_empty(),
        },
        (None, Some(fraction_row)) => Column::Numbers { fraction_row },
        (None, None) => Column::Integers(integers),
    })
}

/// The whole number that `value` is; beyond 2^53 not every whole number has an f64 of its own.
fn as_integer(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 53_f64.exp2()).then_some(value as i64)
}

/// Turns the target columns into targets; `classes` are those of the training file, `None` for numbers.
pub(super) fn encode(
    table: &RawTable,
    columns: &[usize],
    classes: Option<&[String]>,
    rule: TargetRule,
) -> Result<Targets> {
    let (&[column], Some(classes)) = (columns, classes) else {
        check_column_count(table, columns, rule)?;
        return numbers(table, columns, rule);
    };
    // One output tells two classes apart, unless the loss is over classes.
    let expected = if rule.outputs == 1 && !rule.loss.takes_class() { 2 } else { rule.outputs };
    if classes.len() != expected {
        return Err(Error::Shape(format!(
            "{} classes are known, the network distinguishes {expected}. Use the classes and the network of one run",
            classes.len()
        )));
    }
    let indices = class_indices(table, column, classes)?;
    if rule.loss.takes_class() {
        return Ok(Targets::Classes(indices));
    }
    let off = if rule.loss == Loss::Hinge { -1.0 } else { 0.0 };
    if rule.outputs == 1 {
        let values = indices.iter().map(|&i| if i == 1 { 1.0 } else { off }).collect();
        return Ok(Targets::Numbers { width: 1, values });
    }
    let mut values = vec![off; indices.len() * classes.len()];
    for (row, &class) in indices.iter().enumerate() {
        values[row * classes.len() + class as usize] = 1.0;
    }
    Ok(Targets::Numbers { width: classes.len(), values })
}

fn class_indices(table: &RawTable, column: usize, classes: &[String]) -> Result<Vec<u32>> {
    let known: HashMap<&str, u32> = (0..).zip(classes).map(|(i, name)| (name.as_str(), i)).collect();
    let index_of = |text: &str| {
        // "3.0" and "03" mean the class 3, unless they are names themselves.
        let canonical = || text.parse().ok().and_then(as_integer).map(|v| v.to_string());
        known.get(text).copied().or_else(|| known.get(canonical()?.as_str()).copied())
    };
    (0..table.rows())
        .map(|row| {
            let text = table.cell(row, column);
            index_of(text).ok_or_else(|| {
                let found = if text.is_empty() { "an empty cell".to_owned() } else { format!("the class \"{text}\"") };
                table.cell_error(
                    row,
                    column,
                    format!(
                        "found {found}, which does not occur in training. The known classes are {}. Correct the cell, \
                         or train with rows of that class",
                        quoted_list(classes)
                    ),
                )
            })
        })
        .collect()
}

fn numbers(table: &RawTable, columns: &[usize], rule: TargetRule) -> Result<Targets> {
    let values = table.numbers(columns)?;
    let width = columns.len();
    let at = |i: usize| (i / width, columns[i % width]);
    match rule.loss {
        Loss::BinaryCrossEntropy | Loss::BceWithLogits => {
            if let Some(i) = values.iter().position(|v| !(0.0..=1.0).contains(v)) {
                let (row, column) = at(i);
                return Err(table.cell_error(
                    row,
                    column,
                    format!(
                        "{} takes targets from 0 to 1, found {}. Scale the column, or choose another loss",
                        rule.loss.name(),
                        table.cell(row, column)
                    ),
                ));
            }
        }
        Loss::Hinge => {
            // A target 0 teaches nothing (1 - 0 * y is always 1): a file of zeros and ones is coded for another loss.
            let coded = values.iter().all(|v| *v == 0.0 || *v == 1.0);
            if let Some(i) = values.iter().position(|v| *v == 0.0).filter(|_| coded) {
                let (row, column) = at(i);
                return Err(table.cell_error(
                    row,
                    column,
                    "hinge takes the targets -1 and 1, found 0 and 1. Write -1 for 0, or use bce_with_logits",
                ));
            }
        }
        _ => {}
    }
    Ok(Targets::Numbers { width, values })
}
