//! From the columns of a file to the numbers that a network takes: which columns, categories as one number each, and what
//! stands for a value that is missing.

use super::block::Block;
use super::nearest::did_you_mean;
use super::source::{Header, Source};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Categories of a column at most: more are names or numbers, which say nothing of rows to come.
pub const MOST_CATEGORIES: usize = 1000;

/// Bytes of a category's name at most: a thousand of them must be no memory.
pub const LONGEST_CATEGORY: usize = 1000;

/// What to do about a value that is missing: an empty cell, NaN, or one of the words `NA`, `N/A`, `null`, `none`, `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It is an error.
    #[default]
    Error,
    /// The mean of the column's values in the training rows stands for it; a category that is missing is none of them.
    Mean,
    /// 0 stands for it.
    Zero,
    /// The row is passed over; of a file to predict on it is an error, since a row more or less would go unnoticed.
    Skip,
}

named!(Missing: Error "error", Mean "mean", Zero "zero", Skip "skip");

/// Which columns are features, as a spec says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// The features; every column that is no target where it is empty.
    pub features: Vec<String>,
    /// Columns that are not used.
    pub ignore: Vec<String>,
    /// Features whose values are names: one number for each.
    pub categorical: Vec<String>,
    /// What to do about missing values.
    pub missing: Missing,
    /// The column of the rows' weights in the loss, which is no feature.
    pub sample_weight: Option<String>,
}

/// How columns become numbers, kept in the run; `None` in a schema says that each feature is a column of numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// The columns, in the order of the features that they make.
    pub columns: Vec<String>,
    /// The categories of those that have some, sorted.
    pub categories: BTreeMap<String, Vec<String>>,
    /// What to do about missing values.
    pub missing: Missing,
    /// With [`Missing::Mean`]: the mean of each column of numbers over the training rows.
    pub means: BTreeMap<String, f64>,
}

impl Encoding {
    /// The names of the features: `age`, `colour=blue`, `colour=red`.
    pub fn features(&self) -> Vec<String> {
        let of = |column: &String| match self.categories.get(column) {
            Some(categories) => categories.iter().map(|category| format!("{column}={category}")).collect(),
            None => vec![column.clone()],
        };
        self.columns.iter().flat_map(of).collect()
    }
}

impl Columns {
    /// True where every column that is no target is a feature, and a number.
    pub fn is_plain(&self) -> bool {
        self.categorical.is_empty() && self.missing == Missing::Error
    }

    /// Positions of the feature columns of a training file whose target columns are at `targets`.
    ///
    /// # Errors
    /// [`Error::Data`] for a column that is not there, or is a target, or where none is left.
    pub fn positions(&self, header: &Header, targets: &[usize]) -> Result<Vec<usize>> {
        let ignored = header.positions(&self.ignore, "ignored")?;
        header.positions(&self.categorical, "categorical")?;
        let weight: Vec<String> = self.sample_weight.iter().cloned().collect();
        let weight = header.positions(&weight, "weight")?;
        if weight.iter().any(|w| targets.contains(w)) {
            return Err(header.error("the column of the weights is a target. Name another one in sample_weight"));
        }
        let mut out = vec![false; header.columns.len()];
        targets.iter().chain(&ignored).chain(&weight).for_each(|&c| out[c] = true);
        let listed = match self.features.is_empty() {
            true => (0..header.columns.len()).filter(|&c| !out[c]).collect(),
            false => header.positions(&self.features, "feature")?,
        };
        if let Some(&twice) = listed.iter().find(|&&c| out[c]) {
            let what = match () {
                () if targets.contains(&twice) => "a target",
                () if weight.contains(&twice) => "the weight of the rows",
                () => "ignored",
            };
            let name = &header.columns[twice];
            return Err(header.error(format!("the column \"{name}\" is {what} and a feature. Take it out of one list")));
        }
        if listed.is_empty() {
            return Err(header
                .error("no feature column is left: every column is a target. Add columns for the network's inputs"));
        }
        let listed_names: BTreeSet<&str> = listed.iter().map(|&c| header.columns[c].as_str()).collect();
        match self.categorical.iter().find(|name| !listed_names.contains(name.as_str())) {
            Some(name) => Err(header.error(format!("the categorical column \"{name}\" is no feature. Take it out"))),
            None => Ok(listed),
        }
    }

    /// The encoding of the columns at `positions`: one reading of `source` for categories. `None` where every cell is to be a
    /// number. With [`Missing::Mean`] the means are NaN: which rows train is not known yet, and a `MeanFit`
    /// finds them when it is.
    ///
    /// # Errors
    /// [`Error::Data`] for a column with too many categories, or with no value; what reading fails with.
    pub fn fit_source(&self, source: &mut dyn Source, positions: &[usize]) -> Result<Option<Encoding>> {
        let header = Arc::clone(source.header());
        if self.is_plain() {
            return Ok(None);
        }
        let is_category = |&c: &usize| self.categorical.contains(&header.columns[c]);
        let (names, numbers): (Vec<usize>, Vec<usize>) = positions.iter().copied().partition(is_category);
        let mut categories = vec![BTreeSet::new(); names.len()];
        let mut any_number = vec![false; numbers.len()];
        while let Some(chunk) = source.next_chunk()? {
            let block = chunk()?;
            for row in 0..block.rows() {
                for (found, &column) in categories.iter_mut().zip(&names) {
                    let cell = block.text(row, column);
                    if cell.len() > LONGEST_CATEGORY {
                        let message =
                            format!("{} bytes are no name of a category. List the column in `ignore`", cell.len());
                        return Err(block.cell_error(row, column, message));
                    }
                    if !is_missing(&cell) && !found.contains(cell.as_ref()) {
                        found.insert(cell.into_owned());
                    }
                    if found.len() > MOST_CATEGORIES {
                        let message = format!("more than {MOST_CATEGORIES} categories. List the column in `ignore`");
                        return Err(header.column_error(column, message));
                    }
                }
                for (any, &column) in any_number.iter_mut().zip(&numbers).filter(|(any, _)| !**any) {
                    *any = block.number(row, column).is_ok();
                }
            }
        }
        let name = |&column: &usize| header.columns[column].clone();
        if let Some((column, _)) = names.iter().zip(&categories).find(|(_, found)| found.is_empty()) {
            return Err(header.column_error(*column, "every value is missing. List the column in `ignore`"));
        }
        if let Some((column, _)) = numbers.iter().zip(&any_number).find(|(_, any)| !**any) {
            return Err(header.column_error(
                *column,
                "no value is a number. List the column in `categorical` if its values are names, else in `ignore`",
            ));
        }
        let sorted = categories.into_iter().map(|found| found.into_iter().collect());
        Ok(Some(Encoding {
            columns: positions.iter().map(name).collect(),
            categories: names.iter().map(name).zip(sorted).collect(),
            missing: self.missing,
            means: match self.missing {
                Missing::Mean => numbers.iter().map(|column| (name(column), f64::NAN)).collect(),
                _ => BTreeMap::new(),
            },
        }))
    }
}

/// Whether a cell says that there is no value.
pub fn is_missing(cell: &str) -> bool {
    cell.is_empty() || ["nan", "na", "n/a", "null", "none", "?"].iter().any(|word| cell.eq_ignore_ascii_case(word))
}

/// The features of one file's rows.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    of: Vec<(usize, Kind)>,
    width: usize,
    missing: Missing,
}

#[derive(Debug, Clone)]
enum Kind {
    Number {
        /// What stands for a missing value.
        fill: Option<f64>,
    },
    Categories(Vec<String>),
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Its numbers were added.
    Row,
    /// Nothing was added: a value is missing, and such rows are passed over.
    Skipped {
        /// The column.
        column: usize,
    },
}

impl Inputs {
    /// The columns at `positions`, as numbers.
    pub fn plain(positions: &[usize]) -> Inputs {
        let of: Vec<_> = positions.iter().map(|&column| (column, Kind::Number { fill: None })).collect();
        Inputs { width: of.len(), of, missing: Missing::Error }
    }

    /// The features of a schema, in another file.
    ///
    /// # Errors
    /// [`Error::Data`] naming the columns that are missing.
    pub fn find(header: &Header, features: &[String], encoding: Option<&Encoding>) -> Result<Inputs> {
        let Some(encoding) = encoding else { return Ok(Inputs::plain(&header.positions(features, "feature")?)) };
        let positions = header.positions(&encoding.columns, "feature")?;
        let kind = |column: &String| match (encoding.categories.get(column), encoding.missing) {
            (Some(categories), _) => Kind::Categories(categories.clone()),
            (None, Missing::Mean) => Kind::Number { fill: Some(encoding.means.get(column).copied().unwrap_or(0.0)) },
            (None, Missing::Zero) => Kind::Number { fill: Some(0.0) },
            (None, _) => Kind::Number { fill: None },
        };
        let of: Vec<_> = positions.into_iter().zip(encoding.columns.iter().map(kind)).collect();
        let wide = |kind: &Kind| if let Kind::Categories(all) = kind { all.len() } else { 1 };
        Ok(Inputs { width: of.iter().map(|(_, kind)| wide(kind)).sum(), of, missing: encoding.missing })
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The same for a file whose rows must all be there.
    #[must_use]
    pub fn without_skipping(mut self) -> Inputs {
        if self.missing == Missing::Skip {
            self.missing = Missing::Error;
        }
        self
    }

    /// Adds the features of a row to `x`, as finite numbers.
    ///
    /// # Errors
    /// [`Error::Data`] for a cell that is no number, or a category that the training file does not have; `x` may have part
    /// of the row then.
    pub fn add(&self, block: &Block, row: usize, x: &mut Vec<f64>) -> Result<Added> {
        let start = x.len();
        for (column, kind) in &self.of {
            let column = *column;
            match kind {
                Kind::Number { fill: None } if self.missing == Missing::Error => x.push(block.number(row, column)?),
                _ if is_missing(&block.text(row, column)) => match (kind, self.missing) {
                    (_, Missing::Skip) => {
                        x.truncate(start);
                        return Ok(Added::Skipped { column });
                    }
                    (Kind::Number { fill: Some(value) }, _) => x.push(*value),
                    (Kind::Categories(all), Missing::Mean | Missing::Zero) => x.extend(all.iter().map(|_| 0.0)),
                    _ => return Err(missing_cell(block, row, column)),
                },
                Kind::Number { .. } => x.push(block.number(row, column)?),
                Kind::Categories(all) => {
                    let cell = block.text(row, column);
                    let Ok(at) = all.binary_search_by(|name| name.as_str().cmp(&cell)) else {
                        return Err(unknown(block, row, column, &cell, all));
                    };
                    x.extend((0..all.len()).map(|i| f64::from(u8::from(i == at))));
                }
            }
        }
        Ok(Added::Row)
    }
}

fn missing_cell(block: &Block, row: usize, column: usize) -> Error {
    let message =
        "the value is missing. Fill it in, remove the row, or set data.missing to \"mean\", \"zero\" or \"skip\"";
    block.cell_error(row, column, message)
}

/// Whether a row may be passed over, and why, for the report.
pub(super) fn skipped(block: &Block, row: usize, column: usize) -> Error {
    block.cell_error(row, column, "the value is missing, and data.missing = \"skip\"")
}

fn unknown(block: &Block, row: usize, column: usize, cell: &str, all: &[String]) -> Error {
    let near = did_you_mean(cell, all.iter().map(String::as_str));
    let message = format!("\"{cell}\" is no category of the training file{near} It has {}", all.join(", "));
    block.cell_error(row, column, message)
}
