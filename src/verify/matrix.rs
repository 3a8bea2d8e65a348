//! One spec on every adapter of a machine, side by side: verdicts, digests, and where two devices part.
//!
//! Different bits are no fault: devices contract multiply-adds and round their built-in functions differently, and each is
//! judged by its own bounds. They are shown because equal bits let two machines share results, and because the first value
//! in which two devices differ is where a search starts when one of them fails.

use super::report::{cell, code, finding, slack_words};
use super::{Row, Verdict};
use crate::compare::number;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write;

/// Digits of a digest that are shown; JSON has them all. Groups are formed by whole digests.
const SHOWN_DIGITS: usize = 8;
/// Up to so many lines of values are shown in text and Markdown.
const SHOWN_VALUES: usize = 200;

/// What became of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Short name for columns: `cpu`, or the adapter's index.
    pub label: String,
    /// The device's name.
    pub name: String,
    /// Its verdict, or why there is none: it could not be opened, its driver crashed.
    pub outcome: Result<Verdict, String>,
}

/// All devices side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// True if every device passed.
    pub passed: bool,
    /// Factor on every bound.
    pub slack: f64,
    /// The devices, with the judge first.
    pub columns: Vec<Column>,
    /// The values, in the order of the steps and dispatches.
    pub values: Vec<Value>,
    /// Every two columns that have values.
    pub pairs: Vec<Pair>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Short name: `f64` for the judge, `cpu`, or the adapter's index.
    pub label: String,
    /// Full name.
    pub name: String,
    /// True if all of its values are within their bounds; the judge passes by definition.
    pub passed: bool,
    /// The largest error / bound; none for the judge and where there is no verdict.
    pub max_ratio: Option<Ratio>,
    /// The verdict in words, or what kept the device from having one.
    pub conclusion: String,
}

/// An error / bound, which may be infinite or NaN and is written into JSON all the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio(#[serde(with = "number")] pub f64);

/// A value of the train step on every device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// From 1.
    pub step: usize,
    /// Name of the value.
    pub name: String,
    /// The kernel that writes it.
    pub kernel: String,
    /// Digest on each column's device; none where it has no such value.
    pub digests: Vec<Option<String>>,
    /// Labels of the columns with equal bits; the groups in the order of their first column.
    pub groups: Vec<Vec<String>>,
}

/// Two columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Label of the one.
    pub a: String,
    /// Label of the other.
    pub b: String,
    /// Values with the same bits.
    pub equal: usize,
    /// Values that both have.
    pub compared: usize,
    /// The first value in which they differ.
    pub first_difference: Option<Place>,
}

/// A value of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// From 1.
    pub step: usize,
    /// Name of the value.
    pub name: String,
    /// The kernel that writes it.
    pub kernel: String,
}

/// Where a value is found: step, name, and how often that name came before in the step.
type Key = (usize, String, usize);

impl Matrix {
    /// Puts the verdicts side by side. The judge's digests are of its values in f64, rounded to f32; they are taken from
    /// the first verdict that there is.
    pub fn new(entries: &[Entry], slack: f64) -> Matrix {
        let mut columns = Vec::new();
        let mut tables: Vec<HashMap<Key, &str>> = Vec::new();
        let mut order: Vec<(Key, String)> = Vec::new();
        if let Some(verdict) = entries.iter().find_map(|e| e.outcome.as_ref().ok()) {
            let conclusion = "the judge".to_string();
            columns.push(Column {
                label: "f64".into(),
                name: verdict.reference.clone(),
                passed: true,
                max_ratio: None,
                conclusion,
            });
            tables.push(keyed(verdict).map(|(key, row)| (key, row.reference_digest.as_str())).collect());
        }
        for entry in entries {
            columns.push(column(entry));
            let mut table = HashMap::new();
            for (key, row) in entry.outcome.iter().flat_map(keyed) {
                if !tables.iter().skip(1).any(|t| t.contains_key(&key)) {
                    order.push((key.clone(), row.kernel.clone()));
                }
                table.insert(key, row.digest.as_str());
            }
            tables.push(table);
        }
        let values: Vec<Value> = order.into_iter().map(|(key, kernel)| value(&columns, &tables, key, kernel)).collect();
        let pairs = pairs(&columns, &values);
        Matrix { passed: columns.iter().all(|c| c.passed), slack, columns, values, pairs }
    }
}

/// The values of a verdict with their keys, in order.
fn keyed(verdict: &Verdict) -> impl Iterator<Item = (Key, &Row)> {
    verdict.steps.iter().flat_map(|step| {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        step.rows.iter().map(move |row| {
            let before = seen.entry(&row.name).or_default();
            *before += 1;
            ((step.step, row.name.clone(), *before), row)
        })
    })
}

fn column(entry: &Entry) -> Column {
    let (passed, max_ratio, conclusion) = match &entry.outcome {
        Ok(verdict) => (verdict.passed, verdict.worst().map(|w| Ratio(w.1.max_ratio())), finding(verdict)),
        Err(why) => (false, None, format!("FAILED: no verdict: {why}")),
    };
    Column { label: entry.label.clone(), name: entry.name.clone(), passed, max_ratio, conclusion }
}

fn value(columns: &[Column], tables: &[HashMap<Key, &str>], key: Key, kernel: String) -> Value {
    let digests: Vec<Option<String>> = tables.iter().map(|t| t.get(&key).map(|d| (*d).to_string())).collect();
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (column, digest) in columns.iter().zip(&digests) {
        let Some(digest) = digest else { continue };
        match groups.iter_mut().find(|g| g.0 == digest) {
            Some(group) => group.1.push(column.label.clone()),
            None => groups.push((digest, vec![column.label.clone()])),
        }
    }
    let groups = groups.into_iter().map(|g| g.1).collect();
    Value { step: key.0, name: key.1, kernel, digests, groups }
}

fn pairs(columns: &[Column], values: &[Value]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for a in 0..columns.len() {
        for b in a + 1..columns.len() {
            let both = values.iter().filter(|v| v.digests[a].is_some() && v.digests[b].is_some());
            let compared = both.clone().count();
            if compared == 0 {
                continue;
            }
            let mut differ = both.filter(|v| v.digests[a] != v.digests[b]);
            let equal = compared - differ.clone().count();
            pairs.push(Pair {
                a: columns[a].label.clone(),
                b: columns[b].label.clone(),
                equal,
                compared,
                first_difference: differ.next().map(|v| Place {
                    step: v.step,
                    name: v.name.clone(),
                    kernel: v.kernel.clone(),
                }),
            });
        }
    }
    pairs
}

/// The matrix for a terminal.
pub fn text(matrix: &Matrix) -> String {
    let mut out = String::from("devices\n");
    for c in &matrix.columns {
        let _ = writeln!(out, "  {:<4} {}: {}", c.label, c.name, c.conclusion);
    }
    out.push_str("\ndigests of the values' bits\n");
    let _ = write!(out, "  {:>4} {:<32} {:<20}", "step", "value", "kernel");
    for c in &matrix.columns {
        let _ = write!(out, " {:<SHOWN_DIGITS$}", c.label);
    }
    out.push_str(" the same bits\n");
    for v in matrix.values.iter().take(SHOWN_VALUES) {
        let _ = write!(out, "  {:>4} {:<32} {:<20}", v.step, v.name, v.kernel);
        for digest in &v.digests {
            let _ = write!(out, " {:<SHOWN_DIGITS$}", shown(digest));
        }
        let _ = writeln!(out, " {}", groups(v));
    }
    out.push_str(&left_out(matrix));
    out.push_str("\npairs\n");
    matrix.pairs.iter().for_each(|p| {
        let _ = writeln!(out, "  {}", sentence(p));
    });
    out + &last_line(matrix)
}

/// The matrix for a CI job summary.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = format!("### Verification of every device\n\n{}\n\n", cell(&last_line(matrix)));
    out.push_str("| | device | largest error / bound | verdict |\n|---|---|---:|---|\n");
    for c in &matrix.columns {
        let ratio = c.max_ratio.map(|r| format!("{:.4}", r.0)).unwrap_or_default();
        let _ = writeln!(out, "| {} | {} | {ratio} | {} |", cell(&c.label), cell(&c.name), cell(&c.conclusion));
    }
    out.push_str("\n| step | value | kernel |");
    matrix.columns.iter().for_each(|c| {
        let _ = write!(out, " {} |", cell(&c.label));
    });
    out.push_str(" the same bits |\n|---:|---|---|");
    out.push_str(&"---|".repeat(matrix.columns.len() + 1));
    out.push('\n');
    for v in matrix.values.iter().take(SHOWN_VALUES) {
        let _ = write!(out, "| {} | {} | {} |", v.step, code(&v.name), cell(&v.kernel));
        for digest in &v.digests {
            let _ = write!(out, " {} |", digest.as_ref().map_or(String::new(), |_| code(shown(digest))));
        }
        let _ = writeln!(out, " {} |", cell(&groups(v)));
    }
    let _ = writeln!(out, "\n{}", left_out(matrix));
    for p in &matrix.pairs {
        let _ = writeln!(out, "- {}", cell(&sentence(p)));
    }
    out
}

fn shown(digest: &Option<String>) -> &str {
    digest.as_ref().map_or("-", |d| d.get(..SHOWN_DIGITS).unwrap_or(d))
}

/// "all", or "cpu = 0 | 1".
fn groups(value: &Value) -> String {
    match value.groups.as_slice() {
        [one] if one.len() > 1 => "all".into(),
        groups => groups.iter().map(|g| g.join(" = ")).collect::<Vec<_>>().join(" / "),
    }
}

fn sentence(pair: &Pair) -> String {
    let Pair { a, b, equal, compared, first_difference } = pair;
    match first_difference {
        None => format!("{a} and {b}: all {compared} values have the same bits"),
        Some(Place { step, name, kernel }) => format!(
            "{a} and {b}: {equal} of {compared} values have the same bits; the first that differs is {name} (kernel {kernel}) \
             in step {step}"
        ),
    }
}

fn left_out(matrix: &Matrix) -> String {
    match matrix.values.len().saturating_sub(SHOWN_VALUES) {
        0 => String::new(),
        n => format!("  {n} further values are not shown; the JSON report has them\n"),
    }
}

fn last_line(matrix: &Matrix) -> String {
    let judged = || matrix.columns.iter().filter(|c| c.label != "f64");
    let slack = slack_words(matrix.slack);
    match judged().filter(|c| !c.passed).map(|c| c.name.as_str()).collect::<Vec<_>>().as_slice() {
        [] if judged().count() == 1 => format!("passed: the only device, {slack}"),
        [] => format!("passed: all {} devices, {slack}", judged().count()),
        failed => format!("FAILED: {} of {} devices ({}), {slack}", failed.len(), judged().count(), failed.join(", ")),
    }
}
