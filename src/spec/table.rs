//! A TOML table that is read key by key: what is left unread at the end is an unknown key, and every fault knows its
//! line and column.

use crate::data::nearest::{did_you_mean, nearest};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::ops;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A spanned TOML value.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// The text of a spec, for turning byte positions into places.
pub(super) struct Source<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    /// The parameters of a choice that is a name alone.
    pub empty: DeTable<'a>,
}

/// Which numbers are accepted: in words, and as a function.
pub(super) type Range = (&'static str, fn(f64) -> bool);

pub(super) const NOT_NEGATIVE: Range = ("a finite number of at least 0", not_negative);

pub(super) fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

pub(super) fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

impl Source<'_> {
    /// `file:line:column`, both from 1, the column in characters.
    fn place(&self, span: &ops::Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!("{}:{line}:{column}", self.path.display())
    }

    /// An error at `span`.
    pub fn error(&self, span: &ops::Range<usize>, message: impl Into<String>) -> Error {
        Error::spec(self.place(span), message)
    }

    /// Parses the whole text.
    pub fn parse<'t>(&self, text: &'t str) -> Result<Spanned<DeTable<'t>>> {
        DeTable::parse(text).map_err(|e| {
            let place = e.span().map_or_else(|| self.path.display().to_string(), |span| self.place(&span));
            Error::spec(place, format!("not valid TOML: {}", e.message()))
        })
    }
}

/// A table under reading.
pub(super) struct Table<'a> {
    source: &'a Source<'a>,
    /// The name in messages, such as `[data]`.
    name: String,
    span: ops::Range<usize>,
    entries: &'a DeTable<'a>,
    /// Every key that was asked for: the known keys.
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub fn new(
        source: &'a Source<'a>,
        name: impl Into<String>,
        span: ops::Range<usize>,
        entries: &'a DeTable<'a>,
    ) -> Self {
        Table { source, name: name.into(), span, entries, asked: RefCell::default() }
    }

    /// The value of a table, as a table named `name`.
    pub fn of_value(source: &'a Source<'a>, name: impl Into<String>, value: &'a Value<'a>) -> Result<Self> {
        let name = name.into();
        match value.get_ref() {
            DeValue::Table(entries) => Ok(Table::new(source, name, value.span(), entries)),
            other => Err(source.error(&value.span(), format!("{name} must be a table, found {}", describe(other)))),
        }
    }

    pub fn source(&self) -> &'a Source<'a> {
        self.source
    }

    /// The value of `key`, if it is there.
    pub fn get(&self, key: &'static str) -> Option<&'a Value<'a>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.entries.get(key)
    }

    /// The value of `key`; `example` shows what to write where it is missing.
    pub fn require(&self, key: &'static str, example: &str) -> Result<&'a Value<'a>> {
        self.get(key).ok_or_else(|| {
            // A misspelt key is the likeliest reason for a missing one.
            let asked = self.asked.borrow();
            let mut others = self.entries.keys().filter(|found| !asked.iter().any(|a| *a == found.get_ref().as_ref()));
            let misspelt = others.find(|found| nearest(found.get_ref(), [key]).is_some());
            match misspelt {
                Some(found) => self.unknown(found, &[key]),
                None => self
                    .source
                    .error(&self.span, format!("{} has no `{key}`. Add it, for example {example}", self.name)),
            }
        })
    }

    /// The section `key` of the top level.
    pub fn section(&self, key: &'static str, example: &str) -> Result<Table<'a>> {
        Table::of_value(self.source, format!("[{key}]"), self.require(key, example)?)
    }

    /// A whole number of at least 1 and below 2^31, or `default`.
    pub fn size(&self, key: &'static str, default: usize) -> Result<usize> {
        self.at_least(key, default, 1)
    }

    /// A whole number of at least `low` and below 2^31, or `default`.
    pub fn at_least(&self, key: &'static str, default: usize, low: i128) -> Result<usize> {
        self.get(key).map_or(Ok(default), |value| integer_from(self.source, key, value, low))
    }

    /// A truth value, or `default`.
    pub fn flag(&self, key: &'static str, default: bool) -> Result<bool> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.get_ref().as_bool().ok_or_else(|| self.source.wrong_type(key, "true or false", value))
    }

    /// A number within `range`, or `default`.
    pub fn number(&self, key: &'static str, default: f64, (range, accept): Range) -> Result<f64> {
        self.get(key).map_or(Ok(default), |value| number(self.source, key, value, range, accept))
    }

    /// What the name under `key` stands for, one of `names`, or `default`.
    pub fn named<T>(
        &self,
        key: &'static str,
        default: T,
        expected: &str,
        names: &[&str],
        by_name: fn(&str) -> Option<T>,
    ) -> Result<T> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let name = self.source.text_of(key, expected, value)?;
        by_name(name).ok_or_else(|| self.source.unknown(&value.span(), &format!("{key} \"{name}\""), name, names))
    }

    /// Refuses keys that nobody asked for.
    pub fn finish(&self) -> Result<()> {
        let known = self.asked.borrow();
        let first = self
            .entries
            .keys()
            .filter(|key| !known.iter().any(|k| *k == key.get_ref().as_ref()))
            .min_by_key(|key| key.span().start);
        first.map_or(Ok(()), |key| Err(self.unknown(key, &known)))
    }

    /// An error about a key that is none of `known`.
    fn unknown(&self, key: &Spanned<DeString<'_>>, known: &[&'static str]) -> Error {
        let name: &str = key.get_ref();
        let end = did_you_mean(name, known.iter().copied());
        let remedy = match known {
            [] => "It takes no keys".to_owned(),
            [one] => format!("The key is `{one}`"),
            many => format!("Known keys are {}", many.join(", ")),
        };
        self.source.error(&key.span(), format!("unknown key `{name}` in {}{end} {remedy}", self.name))
    }
}

impl Source<'_> {
    /// An error about a value of another type than expected.
    pub fn wrong_type(&self, key: &str, expected: &str, value: &Value<'_>) -> Error {
        self.error(&value.span(), format!("`{key}` must be {expected}, found {}", describe(value.get_ref())))
    }

    /// An error about a name that is none of `names`; `what` is what the name is given for, with the name.
    pub fn unknown(&self, span: &ops::Range<usize>, what: &str, name: &str, names: &[&str]) -> Error {
        let near = did_you_mean(name, names.iter().copied());
        self.error(span, format!("unknown {what}{near} Known are {}", names.join(", ")))
    }

    /// The text of a string.
    pub fn text_of<'v>(&self, key: &str, expected: &str, value: &'v Value<'_>) -> Result<&'v str> {
        value.get_ref().as_str().ok_or_else(|| self.wrong_type(key, expected, value))
    }
}

/// A whole number of at least 1 and below 2^31.
pub(super) fn size(source: &Source<'_>, key: &str, value: &Value<'_>) -> Result<usize> {
    integer_from(source, key, value, 1)
}

/// A whole number of at least `low` and below 2^31.
fn integer_from(source: &Source<'_>, key: &str, value: &Value<'_>, low: i128) -> Result<usize> {
    let expected = &format!("a whole number of at least {low}");
    let DeValue::Integer(integer) = value.get_ref() else { return Err(source.wrong_type(key, expected, value)) };
    match i128::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(size) if size < low => Err(source
            .error(&value.span(), format!("`{key}` must be {expected}, found {integer}. Set it to {low} or more"))),
        Ok(size) if size < i128::from(super::SIZE_LIMIT) => Ok(size as usize),
        _ => Err(source.error(
            &value.span(),
            format!("`{key}` must be below {} (2^31), found {integer}. Choose a smaller size", super::SIZE_LIMIT),
        )),
    }
}

/// A number that `accept` accepts.
pub(super) fn number(
    source: &Source<'_>,
    key: &str,
    value: &Value<'_>,
    range: &str,
    accept: fn(f64) -> bool,
) -> Result<f64> {
    let number = match value.get_ref() {
        DeValue::Integer(i) => i128::from_str_radix(i.as_str(), i.radix()).ok().map(|v| v as f64),
        DeValue::Float(f) => f.as_str().parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if accept(number) => Ok(number),
        _ => Err(source.wrong_type(key, range, value)),
    }
}

/// A value in words: its type, and itself where it is short.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(s) => format!("the string \"{s}\""),
        DeValue::Integer(i) => i.to_string(),
        DeValue::Float(f) => f.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(d) => format!("the date {d}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
