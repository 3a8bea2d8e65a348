//! Fusion: rewrites that put one operation in the place of several.
//!
//! Each rewrite names the operations that it looks for and the one that it puts in their place, which is an operation like any
//! other. Tests hold every fused form against the separate one (`tests/cpu/fusion.rs`).

mod dense;
mod gather;
mod head;
mod loss;

use super::uses::Uses;
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::ops::MatMul;
use crate::target::Target;

/// A rewrite of a graph for a target, at every place that it finds. What it makes dead may stay in the graph. The error is of a
/// graph that is broken.
type Rewrite = fn(&mut Graph, &Uses, &Target) -> Result<()>;

/// Patterns that only some executors gain from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// The batch is gathered by the first layer's products as they read it.
    pub gather: bool,
    /// A classifier's last layer, its cross entropy and the gradient of its input are one launch.
    pub head: bool,
    /// No pattern: an invocation of an optimizer's step takes several words, on software adapters.
    pub strips: bool,
}

/// Rewrites `graph` for `target`: losses always, because their kernels compute value and gradient; the rest if `all` is true.
///
/// # Errors
/// [`crate::Error::Internal`] for a graph that is broken.
pub fn fuse(graph: &mut Graph, target: &Target, all: bool, extras: Extras) -> Result<()> {
    let rewrites: [(bool, Rewrite); 6] = [
        (true, loss::losses),
        (all, dense::dense_layers),
        (all, dense::input_grads),
        (all, dense::weight_grads),
        (all && extras.head, head::heads),
        (all && extras.gather, gather::gathers),
    ];
    for (_, rewrite) in rewrites.into_iter().filter(|(wanted, _)| *wanted) {
        let uses = Uses::of(graph);
        rewrite(graph, &uses, target)?;
    }
    Ok(())
}

/// Whether `value` is such a product, and one launch of `target` can hold it.
fn is_product(graph: &Graph, value: Value, product: MatMul, target: &Target) -> bool {
    let node = &graph.nodes[value.node];
    let fits = |m: &MatMul| *m == product && m.fits(graph.ty(node.inputs[0]), graph.ty(node.inputs[1]), target);
    node.op.is().is_some_and(fits)
}
