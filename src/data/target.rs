//! From target columns to targets: class indices, one-hot rows, or numbers, as the loss and the outputs demand.
//!
//! A file is read once and row by row: [`TargetScan`] looks at each target as it comes, and decides at the end what the
//! column is. Where that is known before (another file, or a second reading), [`Encoder`] makes targets at once.

use crate::error::{Error, Result};
use crate::graph::Loss;
use crate::kernels::Scalar;
use crate::kernels::loss::Output;
use std::collections::HashMap;

use super::Targets;
use super::block::Block;
use super::nearest::quoted_list;
use super::source::Header;

/// What the targets are for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetRule {
    /// The loss that compares outputs with targets.
    pub loss: Loss,
    /// Outputs of the network.
    pub outputs: usize,
}

/// Distinct cells that are remembered, at least: a column with more of them than this, and than the network has outputs, is
/// no column of classes, and remembering them all could take any amount of memory.
const NAMES: usize = 1 << 16;
/// The code of a cell that is not remembered.
const NO_CODE: u32 = u32::MAX;

/// Looks through the target columns of a file.
pub(super) struct TargetScan {
    columns: Columns,
    rule: TargetRule,
    /// Distinct cells and their numbers, in the order in which they came.
    codes: HashMap<String, u32>,
    /// There were more distinct cells than are remembered.
    overflow: bool,
    whole: bool,
    /// Every number so far stands for no or yes under the loss.
    no_and_yes: bool,
    fraction: Option<Found>,
    text: Option<Found>,
}

/// The first cell of its kind.
struct Found {
    place: String,
    cell: String,
}

impl TargetScan {
    /// A scan of the columns at `columns`.
    pub fn new(header: &Header, columns: &[usize], rule: TargetRule) -> Result<TargetScan> {
        if columns.len() != 1 {
            check_column_count(header, columns, rule)?;
        }
        Ok(TargetScan {
            columns: Columns::new(columns, rule),
            rule,
            codes: HashMap::new(),
            overflow: false,
            whole: false,
            no_and_yes: rule.loss.no_and_yes().is_some(),
            fraction: None,
            text: None,
        })
    }

    /// Takes in the targets of a row and adds them to `values` as numbers, NaN for text. Empty cells, NaN and infinity are
    /// missing values in any kind of column. Returns the number of the cell among the distinct ones.
    ///
    /// # Errors
    /// [`Error::Data`] for a row that cannot be used, which leaves everything as it was.
    pub fn add(&mut self, block: &Block, row: usize, values: &mut Vec<f64>) -> Result<u32> {
        let [column] = self.columns.at[..] else { return self.columns.add(block, row, values).map(|()| NO_CODE) };
        let text = block.text(row, column);
        let numbers = self.whole || self.fraction.is_some();
        let is_text = block.parsed(row, column).is_none() && !text.is_empty();
        // Numbers with a few words among them are a faulty column of numbers, not a column of classes.
        if is_text && (self.rule.loss.takes_class() || !numbers) {
            self.text.get_or_insert_with(|| Found { place: block.place(row, column), cell: text.to_string() });
            values.push(f64::NAN);
            return Ok(self.code(&text));
        }
        let one_number = self.is_one_number();
        let value = if one_number { self.columns.checked(block, row, column)? } else { block.number(row, column)? };
        if as_integer(value).is_some() {
            self.whole = true;
        } else {
            self.fraction.get_or_insert_with(|| Found { place: block.place(row, column), cell: text.to_string() });
        }
        let stands_for_a_class = |targets: [i64; 2]| targets.iter().any(|t| *t as f64 == value);
        self.no_and_yes &= self.rule.loss.no_and_yes().is_some_and(stands_for_a_class);
        values.push(value);
        self.columns.see(block, row, &[value]);
        // A column of numbers for one output stays one, whatever its values.
        Ok(if one_number { NO_CODE } else { self.code(&text) })
    }

    /// One output under a loss that takes numbers.
    fn is_one_number(&self) -> bool {
        self.rule.outputs == 1 && !self.rule.loss.takes_class()
    }

    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        if self.codes.len() >= NAMES.max(self.rule.outputs) {
            self.overflow = true;
            return NO_CODE;
        }
        let code = self.codes.len() as u32;
        self.codes.insert(text.to_owned(), code);
        code
    }

    /// Decides whether the target is classes, and which; `None` means numbers.
    ///
    /// Names are sorted; integers are in numeric order. Integers that all lie in 0..outputs are class indices themselves,
    /// whether or not each of them occurs. Nothing but no and yes under a loss over these is two classes; a fraction anywhere
    /// would be a soft target.
    pub fn classes(&self, header: &Header) -> Result<Option<Vec<String>>> {
        if self.columns.at.len() != 1 {
            self.columns.check_hinge()?;
            return Ok(None);
        }
        let outputs = self.rule.outputs;
        let sorted = || {
            let mut names: Vec<String> = self.codes.keys().cloned().collect();
            names.sort();
            names
        };
        match (&self.text, &self.fraction, self.rule.loss.takes_class(), outputs) {
            (None, Some(fraction), true, _) => Err(Error::data(
                &fraction.place,
                format!(
                    "cross_entropy takes classes (names or whole numbers), found {}. For numbers use a loss such as mse",
                    fraction.cell
                ),
            )),
            (None, Some(_), false, _) | (None, None, false, 1) => {
                check_column_count(header, &self.columns.at, self.rule)?;
                self.columns.check_hinge()?;
                let classes = self.rule.loss.no_and_yes().filter(|_| self.no_and_yes && self.whole);
                Ok(classes.map(|targets| targets.map(|t| t.to_string()).to_vec()))
            }
            (None, None, _, _) => {
                let mut values: Vec<i64> =
                    self.codes.keys().filter_map(|t| t.parse().ok().and_then(as_integer)).collect();
                values.sort_unstable();
                values.dedup();
                if !self.overflow && values.iter().all(|v| usize::try_from(*v).is_ok_and(|v| v < outputs)) {
                    return Ok(Some((0..outputs).map(|c| c.to_string()).collect()));
                }
                self.check_count(header, values.len(), outputs, "one output belongs to each class")?;
                Ok(Some(values.iter().map(i64::to_string).collect()))
            }
            (Some(text), _, false, _) if self.whole || self.fraction.is_some() => {
                let message = "expected a number, found";
                let remedy = "Write a number with a decimal point, or remove the column or the row";
                Err(Error::data(&text.place, format!("{message} \"{}\". {remedy}", text.cell)))
            }
            (Some(_), _, false, 1) => {
                self.check_count(header, self.codes.len(), 2, "1 output tells 2 classes apart")?;
                Ok(Some(sorted()))
            }
            (Some(text), ..) => {
                let mixed = self.whole || self.fraction.is_some();
                let reason = if mixed {
                    format!("{} (\"{}\" is not a number)", text.place, text.cell)
                } else {
                    "one output belongs to each class".to_owned()
                };
                self.check_count(header, self.codes.len(), outputs, &reason)?;
                Ok(Some(sorted()))
            }
        }
    }

    /// Refuses a number of classes that is not the one that the network distinguishes, for the `reason` given.
    fn check_count(&self, header: &Header, found: usize, expected: usize, reason: &str) -> Result<()> {
        let message = match (self.overflow, found == expected) {
            (true, _) => format!(
                "the column has more than {found} distinct classes, the network distinguishes {expected} ({reason}). \
                 Is it a column of classes? For numbers use a loss such as mse"
            ),
            (false, true) => return Ok(()),
            (false, false) => format!(
                "the column has {found} distinct classes, the network distinguishes {expected} ({reason}). Set `dense = \
                 {found}` in the last layer, or correct the column"
            ),
        };
        Err(header.column_error(self.columns.at[0], message))
    }

    /// The targets of the rows seen: `seen` is what [`TargetScan::add`] gave for each, `values` what it added.
    pub fn targets(&self, classes: Option<&[String]>, seen: &[u32], values: Vec<f64>) -> Result<Targets> {
        // Numbers for no and yes are the targets as they are.
        let named = classes.filter(|_| !(self.is_one_number() && self.text.is_none()));
        let Some(classes) = named else { return Ok(Targets::Numbers { width: self.columns.at.len(), values }) };
        let known = Known::new(classes, self.rule)?;
        let mut class_of = vec![0; self.codes.len()];
        for (text, code) in &self.codes {
            class_of[*code as usize] = known.index(text).unwrap_or_default();
        }
        let indices = seen.iter().map(|code| class_of[*code as usize]);
        if self.rule.loss.takes_class() {
            return Ok(Targets::Classes(indices.collect()));
        }
        let mut values = Vec::with_capacity(seen.len() * self.rule.outputs);
        indices.for_each(|class| known.encode(class, &mut values));
        Ok(Targets::Numbers { width: self.rule.outputs, values })
    }
}

/// Makes targets of rows when it is known what the columns are.
pub(super) struct Encoder {
    columns: Columns,
    known: Option<Known>,
    /// The numbers of a row, before they are rounded.
    row: Vec<f64>,
}

impl Encoder {
    /// An encoder for the columns at `columns`; `classes` are those of the training file, `None` for numbers.
    pub fn new(header: &Header, columns: &[usize], classes: Option<&[String]>, rule: TargetRule) -> Result<Encoder> {
        let known = match classes {
            Some(classes) if columns.len() == 1 => Some(Known::new(classes, rule)?),
            _ => {
                check_column_count(header, columns, rule)?;
                None
            }
        };
        Ok(Encoder { columns: Columns::new(columns, rule), known, row: Vec::new() })
    }

    /// Adds the target of a row to `targets`, which are those of a blank data set for the rule.
    ///
    /// # Errors
    /// [`Error::Data`] for a row that cannot be used, which leaves everything as it was.
    pub fn add<T: Scalar>(&mut self, block: &Block, row: usize, targets: &mut Targets<T>) -> Result<()> {
        self.row.clear();
        match (targets, &self.known) {
            (Targets::Classes(indices), Some(known)) => indices.push(known.class(block, row, self.columns.at[0])?),
            (Targets::Numbers { values, .. }, known) => {
                match known {
                    Some(known) => known.encode(known.class(block, row, self.columns.at[0])?, &mut self.row),
                    None => self.columns.add(block, row, &mut self.row)?,
                }
                values.extend(self.row.iter().map(|v| T::of(*v)));
            }
            (Targets::Classes(_), None) => return Err(Error::Internal("classes without names".into())),
        }
        Ok(())
    }

    /// What can only be said when all rows have been seen.
    pub fn finish(&self) -> Result<()> {
        self.columns.check_hinge()
    }
}

/// Classes with their names, and how they are written for the loss.
struct Known {
    names: Vec<String>,
    index: HashMap<String, u32>,
    rule: TargetRule,
}

impl Known {
    fn new(names: &[String], rule: TargetRule) -> Result<Known> {
        // One output tells two classes apart, unless the loss is over classes.
        let expected = if rule.outputs == 1 && !rule.loss.takes_class() { 2 } else { rule.outputs };
        if names.len() != expected {
            return Err(Error::Shape(format!(
                "{} classes are known, the network distinguishes {expected}. Use the classes and the network of one run",
                names.len()
            )));
        }
        Ok(Known { names: names.to_vec(), index: names.iter().cloned().zip(0..).collect(), rule })
    }

    fn index(&self, text: &str) -> Option<u32> {
        // "3.0" and "03" mean the class 3, unless they are names themselves.
        let canonical = || text.parse().ok().and_then(as_integer).map(|v| v.to_string());
        self.index.get(text).copied().or_else(|| self.index.get(&canonical()?).copied())
    }

    fn class(&self, block: &Block, row: usize, column: usize) -> Result<u32> {
        let text = block.text(row, column);
        self.index(&text).ok_or_else(|| {
            let found = if text.is_empty() { "an empty cell".to_owned() } else { format!("the class \"{text}\"") };
            block.cell_error(
                row,
                column,
                format!(
                    "found {found}, which does not occur in training. The known classes are {}. Correct the cell, or \
                     train with rows of that class",
                    quoted_list(&self.names)
                ),
            )
        })
    }

    /// Adds the class as numbers: one output holds 0 or 1 (-1 or 1 for hinge), more are one-hot.
    fn encode(&self, class: u32, values: &mut Vec<f64>) {
        let off = if self.rule.loss.output() == Output::Margin { -1.0 } else { 0.0 };
        let on = |yes: bool| if yes { 1.0 } else { off };
        if self.rule.outputs == 1 {
            values.push(on(class == 1));
        } else {
            values.extend((0..self.rule.outputs).map(|i| on(i == class as usize)));
        }
    }
}

/// Refuses a number of target columns that is not the number of outputs.
fn check_column_count(header: &Header, columns: &[usize], rule: TargetRule) -> Result<()> {
    let names: Vec<&str> = columns.iter().map(|&c| header.columns[c].as_str()).collect();
    let (found, names) = (columns.len(), quoted_list(&names));
    if rule.loss.takes_class() {
        return Err(header.error(format!(
            "cross_entropy takes one target column of classes, found {found} ({names}). Name one column in `target`, \
             or use bce_with_logits for several yes-or-no targets"
        )));
    }
    if found != rule.outputs {
        return Err(header.error(format!(
            "{found} target column(s) ({names}) for {} network outputs. Set `dense = {found}` in the last layer, or \
             name one target column for each output",
            rule.outputs
        )));
    }
    Ok(())
}

/// The whole number that `value` is; beyond 2^53 not every whole number has an f64 of its own.
fn as_integer(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= 53_f64.exp2()).then_some(value as i64)
}

/// Target columns whose cells are numbers.
struct Columns {
    at: Vec<usize>,
    rule: TargetRule,
    /// Under hinge: where the first 0 is, and whether there is a number that is neither 0 nor 1.
    zero: Option<String>,
    other: bool,
}

impl Columns {
    fn new(at: &[usize], rule: TargetRule) -> Columns {
        Columns { at: at.to_vec(), rule, zero: None, other: false }
    }

    /// Adds the numbers of a row to `values`; nothing where one of them cannot be used.
    fn add(&mut self, block: &Block, row: usize, values: &mut Vec<f64>) -> Result<()> {
        let start = values.len();
        for &column in &self.at {
            let value = self.checked(block, row, column).inspect_err(|_| values.truncate(start))?;
            values.push(value);
        }
        self.see(block, row, &values[start..]);
        Ok(())
    }

    /// A target that is a number, within the range that the loss takes.
    fn checked(&self, block: &Block, row: usize, column: usize) -> Result<f64> {
        let (value, loss) = (block.number(row, column)?, self.rule.loss);
        if matches!(loss.output(), Output::Probability | Output::Logit) && !(0.0..=1.0).contains(&value) {
            let (name, found) = (loss.name(), block.text(row, column));
            let message =
                format!("{name} takes targets from 0 to 1, found {found}. Scale the column, or choose another loss");
            return Err(block.cell_error(row, column, message));
        }
        Ok(value)
    }

    /// Looks whether a row is of zeros and ones.
    fn see(&mut self, block: &Block, row: usize, values: &[f64]) {
        if self.rule.loss.output() != Output::Margin || self.other {
            return;
        }
        for (value, &column) in values.iter().zip(&self.at) {
            if *value == 0.0 {
                self.zero.get_or_insert_with(|| block.place(row, column));
            } else if *value != 1.0 {
                self.other = true;
            }
        }
    }

    /// A target 0 teaches hinge nothing (1 - 0 * y is always 1): a file of zeros and ones is coded for another loss.
    fn check_hinge(&self) -> Result<()> {
        match &self.zero {
            Some(place) if !self.other => {
                let message = "hinge takes the targets -1 and 1, found 0 and 1. Write -1 for 0, or use bce_with_logits";
                Err(Error::data(place, message))
            }
            _ => Ok(()),
        }
    }
}
