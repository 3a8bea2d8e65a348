//! How modules are read from a spec: what they ask of the reader.

use super::{Init, Module};
use crate::error::Result;
use std::sync::Arc;

/// An entry of `[[model.layers]]` under reading. A key that no method asked for is an error in the end.
pub trait Keys {
    /// A whole number of at least 1, which must be there.
    ///
    /// # Errors
    /// [`crate::Error::Spec`] with file, line and column, as for the other methods.
    fn size(&self, key: &'static str) -> Result<usize>;

    /// A number that `accept` accepts, which must be there; `range` says which numbers those are.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn number(&self, key: &'static str, range: &str, accept: fn(f64) -> bool) -> Result<f64>;

    /// A truth value, or `default`.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn flag(&self, key: &'static str, default: bool) -> Result<bool>;

    /// Checks that the key that names the module is `true`, because the module has no size to state there.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn named_alone(&self, key: &'static str) -> Result<()>;

    /// How weights are drawn: the key `init`, or what the spec says for all layers.
    ///
    /// # Errors
    /// As [`Keys::size`].
    fn init(&self) -> Result<Init>;
}

/// Reads a module.
pub type Read = fn(&dyn Keys) -> Result<Arc<dyn Module>>;
