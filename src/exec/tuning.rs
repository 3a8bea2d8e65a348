//! A table of measured ways in use.

use crate::plan::tuning::Table;
use std::sync::Arc;

/// What a device computes products by, in place of the rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// The ways by class.
    pub table: Arc<Table>,
    /// What table it is, for people: the file, and its digest.
    pub source: String,
}
