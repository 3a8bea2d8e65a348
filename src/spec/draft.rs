//! A first spec for a data file: what is learned, from what, by which network. A start that trains at once, not the best one.

#[cfg(feature = "images")]
mod pictures;

#[cfg(feature = "images")]
pub use pictures::draft_pictures;

use super::DataFile;
use super::write::{float, quoted};
use crate::data::inspect::{Facts, Inspection, MOST_VALUES};
use crate::error::{Error, Remedy, Result};
use std::fmt::Write;

/// Names that a target column has by custom, the likeliest first.
const TARGETS: [&str; 10] =
    ["target", "label", "labels", "class", "species", "outcome", "y", "y_train", "price", "quality"];
/// Whole numbers with at most this many different values, close together, are classes.
const MOST_CLASSES: usize = 20;
/// Optimizer steps of a first training: enough for a network of this size to get somewhere, seconds on a CPU.
const STEPS: u64 = 3000;
/// Samples a step.
const BATCH: u64 = 32;

/// A spec's text, and what was seen on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The spec, TOML with comments.
    pub text: String,
    /// What a person should know of the data, a line each.
    pub notes: Vec<String>,
}

/// What the columns are for.
struct Roles<'a> {
    target: &'a Facts,
    /// The classes and how often each occurs; `None` where the target is a number.
    classes: Option<Vec<(&'a str, u64)>>,
    numbers: Vec<&'a Facts>,
    categorical: Vec<&'a Facts>,
    ignored: Vec<(&'a Facts, &'static str)>,
}

/// Writes a spec for `file`, which a spec names `written`; `target` is the target column where it is known.
///
/// # Errors
/// [`Error::Data`] where no target or no feature can be found.
pub fn draft(file: &DataFile, written: &str, found: &Inspection, target: Option<&str>) -> Result<Draft> {
    let place = file.path.display().to_string();
    let target = find_target(&place, found, target)?;
    let roles = roles(found, target);
    if roles.numbers.is_empty() && roles.categorical.is_empty() {
        return Err(Error::data(place, "no column is left for the network's inputs. Name another target"));
    }
    if roles.classes.as_ref().is_some_and(|classes| classes.len() < 2) {
        let message =
            format!("the target \"{}\" has one value, so there is nothing to learn. Name another", target.name);
        return Err(Error::data(place, message));
    }
    let notes = notes(found, &roles);
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_spec(&mut text, file, written, found, &roles);
    Ok(Draft { text, notes })
}

fn find_target<'a>(place: &str, found: &'a Inspection, target: Option<&str>) -> Result<&'a Facts> {
    let by_name = |name: &str| found.columns.iter().find(|c| c.name.eq_ignore_ascii_case(name));
    let names: Vec<&str> = found.columns.iter().map(|c| c.name.as_str()).take(20).collect();
    if let Some(name) = target {
        return found.columns.iter().find(|c| c.name == name).ok_or_else(|| {
            let near = crate::data::nearest::did_you_mean(name, found.columns.iter().map(|c| c.name.as_str()));
            Error::data(place, format!("no column \"{name}\"{near} Its columns are {}", names.join(", ")))
        });
    }
    let last = found.columns.last().filter(|_| found.is_text && found.columns.len() > 1);
    TARGETS.iter().find_map(|name| by_name(name)).or(last).ok_or_else(|| {
        let message =
            format!("which numbers are the target? {}. The columns are {}", Remedy::NameTarget, names.join(", "));
        Error::data(place, message)
    })
}

fn roles<'a>(found: &'a Inspection, target: &'a Facts) -> Roles<'a> {
    let numbered = |values: usize| values <= MOST_CLASSES && target.max - target.min < 2.0 * values as f64;
    let is_classes = target.texts > 0 || (target.is_whole && target.values.as_ref().is_some_and(|v| numbered(v.len())));
    let values = target.values.as_ref().filter(|_| is_classes);
    let classes = values.map(|values| values.iter().map(|(name, count)| (name.as_str(), *count)).collect());
    let mut roles = Roles { target, classes, numbers: Vec::new(), categorical: Vec::new(), ignored: Vec::new() };
    for column in found.columns.iter().filter(|c| c.name != target.name) {
        let few = column.values.as_ref().is_some_and(|values| 2 * values.len() as u64 <= found.rows);
        if column.present() == 0 {
            roles.ignored.push((column, "holds no value"));
        } else if column.is_number() {
            roles.numbers.push(column);
        } else if few {
            roles.categorical.push(column);
        } else {
            roles.ignored.push((column, "a text of its own in nearly every row"));
        }
    }
    roles
}

fn notes(found: &Inspection, roles: &Roles<'_>) -> Vec<String> {
    let target = roles.target;
    let mut notes = vec![format!(
        "{} rows; {} columns of numbers, {} of categories, {} not used",
        found.rows,
        roles.numbers.len(),
        roles.categorical.len(),
        roles.ignored.len()
    )];
    match &roles.classes {
        Some(classes) => {
            let each = shares(classes.iter().copied(), found.rows);
            notes.push(format!("target {}: {} classes: {each}", target.name, classes.len()));
        }
        None => notes.push(format!(
            "target {}: a number, {} to {}, mean {:.4}",
            target.name, target.min, target.max, target.mean
        )),
    }
    let missing = found.columns.iter().filter(|c| c.missing > 0);
    notes.extend(missing.map(|c| format!("column {}: {} of {} values missing", c.name, c.missing, found.rows)));
    notes.extend(roles.ignored.iter().map(|(c, why)| format!("column {}: not used: {why}", c.name)));
    let constant: Vec<&str> = roles.numbers.iter().filter(|c| c.is_constant()).map(|c| c.name.as_str()).collect();
    if !constant.is_empty() {
        let shown = constant.iter().take(8).copied().collect::<Vec<_>>().join(", ");
        let more = if constant.len() > 8 { ", ..." } else { "" };
        notes.push(format!("{} columns are constant, which teaches nothing: {shown}{more}", constant.len()));
    }
    if found.malformed > 0 {
        notes.push(format!("{} rows are malformed and will be passed over", found.malformed));
    }
    if roles.classes.is_none() && target.mean.abs().max(target.max - target.min) > 100.0 {
        notes.push(format!(
            "the target's numbers are large, and outputs begin near 0: training goes faster on {} divided by a constant",
            target.name
        ));
    }
    notes
}

fn list(columns: impl Iterator<Item = String>) -> String {
    columns.map(|name| quoted(&name)).collect::<Vec<_>>().join(", ")
}

fn write_spec(
    out: &mut String,
    file: &DataFile,
    written: &str,
    found: &Inspection,
    roles: &Roles<'_>,
) -> std::fmt::Result {
    let target = roles.target;
    let inputs = roles.numbers.len()
        + roles.categorical.iter().filter_map(|c| c.values.as_ref()).map(|values| values.len()).sum::<usize>();
    let shown = on_one_line(written);
    writeln!(out, "# A first spec for {shown}: {} rows. Every key is explained in docs/spec.md.", found.rows)?;
    writeln!(out, "[data]")?;
    match &file.labels {
        Some(labels) => writeln!(out, "train = {{ x = {}, y = {} }}", quoted(written), quoted(&labels.written))?,
        None => writeln!(out, "train = {}\ntarget = {}", quoted(written), quoted(&target.name))?,
    }
    if !roles.ignored.is_empty() {
        writeln!(out, "ignore = [{}]", list(roles.ignored.iter().map(|(c, _)| c.name.clone())))?;
    }
    if !roles.categorical.is_empty() {
        writeln!(
            out,
            "categorical = [{}]  # one number for each value",
            list(roles.categorical.iter().map(|c| c.name.clone()))
        )?;
    }
    if roles.numbers.iter().chain(&roles.categorical).any(|c| c.missing > 0) {
        writeln!(out, "missing = \"mean\"  # or \"zero\", or \"skip\" to pass over such rows")?;
    }
    if target.missing + found.malformed > 0 {
        writeln!(out, "skip_bad_rows = {}  # malformed, or without a target", target.missing + found.malformed)?;
    }
    if found.rows >= 10 {
        writeln!(out, "validation = 0.2  # a fifth of the rows, drawn by the seed, is held out")?;
    }
    let is_image = inputs >= 64 && roles.numbers.iter().all(|c| c.is_whole && c.min >= 0.0 && c.max <= 255.0);
    let scale = if is_image { "\"minmax\"  # pixels: 0 to 1" } else { "\"standard\"  # mean 0, deviation 1" };
    writeln!(out, "scale = {scale}")?;
    hidden_layers(out, inputs, found.rows)?;
    match &roles.classes {
        Some(classes) => {
            writeln!(out, "\n[[model.layers]]  # one output for each class")?;
            writeln!(out, "dense = {}\n\n[train]\nloss = \"cross_entropy\"", classes.len())?;
        }
        None => writeln!(out, "\n[[model.layers]]  # the number itself\ndense = 1\n\n[train]\nloss = \"mse\"")?,
    }
    training(out, found.rows, 0.003)
}

/// One hidden layer, or two where there are samples enough.
fn hidden_layers(out: &mut String, inputs: usize, rows: u64) -> std::fmt::Result {
    let width = (2 * inputs).next_power_of_two().clamp(16, 128);
    let hidden = if rows < 500 { vec![width] } else { vec![width, width / 2] };
    hidden.iter().try_for_each(|width| writeln!(out, "\n[[model.layers]]\ndense = {width}\nactivation = \"relu\""))
}

/// The end of `[train]`.
fn training(out: &mut String, rows: u64, lr: f64) -> std::fmt::Result {
    let epochs = (STEPS * BATCH / rows).clamp(5, 100);
    writeln!(out, "optimizer = {{ adam = {{ lr = {} }} }}", float(lr))?;
    writeln!(out, "batch_size = {BATCH}\nepochs = {epochs}\nseed = 1")
}

/// The classes and how often each occurs, for people.
fn shares<'a>(classes: impl Iterator<Item = (&'a str, u64)>, rows: u64) -> String {
    let share = |count: u64| 100.0 * count as f64 / rows as f64;
    classes.map(|(name, count)| format!("{name} {count} ({:.1} %)", share(count))).collect::<Vec<_>>().join(", ")
}

/// A name that stays within a comment.
fn on_one_line(written: &str) -> String {
    written.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Columns with more values than this are no columns of categories; the inspection counts no further.
const _: () = assert!(MOST_CLASSES <= MOST_VALUES);
