//! `train.class_weights`: how much the rows of each class count.

use crate::data::nearest::did_you_mean;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use toml::de::DeValue;

use super::table::{Source, Value, number};

/// Weights of the classes in the loss that is learnt from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ClassWeights {
    /// All rows count alike.
    #[default]
    Equal,
    /// Rows / (classes * rows of the class), as scikit-learn's `class_weight="balanced"`: together each class counts alike.
    /// Counted are the training rows and the classes that they have.
    Balanced,
    /// A weight for each class, in the order of their indices.
    Listed(Vec<f64>),
    /// Weights by the classes' names; 1 for those that are not named.
    Named(BTreeMap<String, f64>),
}

const KEY: &str = "class_weights";

impl ClassWeights {
    pub(super) fn read(source: &Source<'_>, value: &Value<'_>) -> Result<ClassWeights> {
        let expected = "\"balanced\", a list of one weight for each class, or a table such as { yes = 2.0, no = 1.0 }";
        let range = "a finite number of at least 0";
        // Beyond f32 the product with a row's own weight might be no number.
        let weight = |v: &Value<'_>| number(source, KEY, v, range, |w| (0.0..=f64::from(f32::MAX)).contains(&w));
        let weights = match value.get_ref() {
            DeValue::String(name) if name == "balanced" => return Ok(ClassWeights::Balanced),
            DeValue::Array(list) => ClassWeights::Listed(list.iter().map(weight).collect::<Result<_>>()?),
            DeValue::Table(table) => {
                let named = table.iter().map(|(name, v)| Ok((name.get_ref().to_string(), weight(v)?)));
                ClassWeights::Named(named.collect::<Result<_>>()?)
            }
            _ => return Err(source.wrong_type(KEY, expected, value)),
        };
        let given: Vec<f64> = match &weights {
            ClassWeights::Listed(list) => list.clone(),
            ClassWeights::Named(named) => named.values().copied().collect(),
            ClassWeights::Equal | ClassWeights::Balanced => Vec::new(),
        };
        if given.is_empty() {
            return Err(source.wrong_type(KEY, expected, value));
        }
        Ok(weights)
    }

    pub(super) fn write(&self, out: &mut String) -> std::fmt::Result {
        use std::fmt::Write;
        let value = match self {
            ClassWeights::Equal => return Ok(()),
            ClassWeights::Balanced => toml::Value::from("balanced"),
            ClassWeights::Listed(list) => toml::Value::from(list.clone()),
            ClassWeights::Named(named) => {
                toml::Value::Table(named.iter().map(|(name, w)| (name.clone(), toml::Value::from(*w))).collect())
            }
        };
        writeln!(out, "{KEY} = {value}")
    }

    /// The weight of each class, nothing where all count alike. `classes` are those of the training file, `None` where the
    /// targets are numbers; `rows` are the training rows of each.
    ///
    /// # Errors
    /// [`Error::Spec`] for weights of classes that are not there.
    pub fn resolve(&self, classes: Option<&[String]>, rows: &[usize]) -> Result<Vec<f64>> {
        let refused = |message: String| Err(Error::spec(format!("train.{KEY}"), message));
        if *self == ClassWeights::Equal {
            return Ok(Vec::new());
        }
        let Some(classes) = classes else {
            return refused(
                "the targets are numbers and have no classes. Remove it; data.sample_weight weighs rows".into(),
            );
        };
        match self {
            ClassWeights::Equal => Ok(Vec::new()),
            ClassWeights::Balanced => {
                let occurring = rows.iter().filter(|n| **n > 0).count() as f64;
                let all = rows.iter().sum::<usize>() as f64;
                Ok(rows.iter().map(|n| if *n == 0 { 0.0 } else { all / (occurring * *n as f64) }).collect())
            }
            ClassWeights::Listed(list) if list.len() == classes.len() => Ok(list.clone()),
            ClassWeights::Listed(list) => refused(format!(
                "{} weights for the {} classes {}. Give one for each, in this order",
                list.len(),
                classes.len(),
                classes.join(", ")
            )),
            ClassWeights::Named(named) => {
                if let Some(unknown) = named.keys().find(|name| !classes.contains(name)) {
                    let near = did_you_mean(unknown, classes.iter().map(String::as_str));
                    return refused(format!("\"{unknown}\" is no class{near} The classes are {}", classes.join(", ")));
                }
                Ok(classes.iter().map(|class| named.get(class).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}
