//! Passes over a graph: the only place that looks for particular operations.

pub mod fuse;
mod stabilise;
mod update;
pub mod uses;

pub use stabilise::stabilise;
pub use update::append_updates;

use crate::error::Result;
use crate::graph::{Graph, Role, Value, tape};
use crate::ops::Add;

/// Appends the gradients of `root` (one number) with respect to every parameter that it depends on, and names them
/// `grad.<parameter>` among the outputs, in the parameters' order.
///
/// # Errors
/// [`crate::Error::Internal`] for a root that cannot be one, or an operation on the way that has no gradient.
pub fn differentiate(graph: &mut Graph, root: Value) -> Result<()> {
    for (name, gradient) in gradients(graph, root)? {
        graph.output(Role::Gradient(name), gradient);
    }
    Ok(())
}

/// Appends the gradients of `root` as [`differentiate`] does, and gives them by parameter; nothing becomes an output.
///
/// # Errors
/// As [`differentiate`].
pub fn gradients(graph: &mut Graph, root: Value) -> Result<Vec<(String, Value)>> {
    tape::gradients(graph, root, &|graph, a, b| graph.push(Add, &[a, b], "sum of gradients"))
}
