//! Rewrites that keep digits which a literal evaluation in f32 would lose.

use super::{Activation, Graph, Loss, Op};

/// Turns a binary cross-entropy on the output of a sigmoid into the same loss on the logits.
///
/// Why: where the sigmoid rounds to 1, `1 - p` has no digits left, and the gradient `(p - t) / (p (1 - p)) · p'` divides
/// by it; on logits both the loss and the gradient `p - t` keep full relative precision. The sigmoid itself stays in the
/// graph for whoever reads the prediction. Runs before differentiation.
pub fn stabilise(graph: &mut Graph) {
    for i in 0..graph.nodes.len() {
        if graph.nodes[i].op != Op::Loss(Loss::BinaryCrossEntropy) {
            continue;
        }
        let pred = graph.nodes[i].inputs[0];
        if graph.nodes[pred.node].op == Op::Activate(Activation::Sigmoid) {
            let logits = graph.nodes[pred.node].inputs[0];
            graph.nodes[i].op = Op::Loss(Loss::BceWithLogits);
            graph.nodes[i].inputs[0] = logits;
        }
    }
}
