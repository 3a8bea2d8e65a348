//! Rewrites that keep digits which a literal evaluation in f32 would lose.

use crate::error::Result;
use crate::graph::{Activation, Graph, Loss};
use crate::ops::{Activate, LossValue};

/// Turns a binary cross-entropy on the output of a sigmoid into the same loss on the logits.
///
/// Why: where the sigmoid rounds to 1, `1 - p` has no digits left, and the gradient `(p - t) / (p (1 - p)) · p'` divides
/// by it; on logits both the loss and the gradient `p - t` keep full relative precision. The sigmoid itself stays in the
/// graph for whoever reads the prediction. Runs before differentiation.
///
/// # Errors
/// [`crate::Error::Internal`] for a graph that is broken.
pub fn stabilise(graph: &mut Graph) -> Result<()> {
    for node in 0..graph.nodes.len() {
        let n = &graph.nodes[node];
        if !matches!(n.op.is(), Some(LossValue(Loss::BinaryCrossEntropy))) {
            continue;
        }
        let pred = &graph.nodes[n.inputs[0].node];
        if matches!(pred.op.is(), Some(Activate(Activation::Sigmoid))) {
            let (inputs, label) = ([pred.inputs[0], n.inputs[1]], n.label.clone());
            graph.replace(node, LossValue(Loss::BceWithLogits), &inputs, &label)?;
        }
    }
    Ok(())
}
