//! A loss and its gradient, or a loss and the weights that it is summed with.

use super::Uses;
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::ops::{LossGrad, LossPair, LossValue, WeightedSum};
use crate::target::Target;

/// [`LossValue`] and the [`LossGrad`] of the same operands become a [`LossPair`].
pub fn losses(graph: &mut Graph, uses: &Uses, _: &Target) -> Result<()> {
    for loss in uses.nodes() {
        let Some(&LossValue(kind)) = graph.nodes[loss].op.is() else { continue };
        let (inputs, label) = (graph.nodes[loss].inputs.clone(), graph.nodes[loss].label.clone());
        let same = |n: &usize| {
            let n = &graph.nodes[*n];
            n.op.is::<LossGrad>().is_some() && n.inputs[..2] == inputs[..2] && n.inputs[2].node < loss
        };
        if let Some(grad) = uses.of_value(inputs[0]).iter().copied().find(same) {
            let operands = [inputs[0], inputs[1], graph.nodes[grad].inputs[2]];
            graph.replace(loss, LossPair(kind), &operands, &label)?;
            graph.substitute(Value { node: grad, result: 0 }, Value { node: loss, result: 1 });
            continue;
        }
        let sum = |n: &&usize| graph.nodes[**n].op.is::<WeightedSum>().is_some();
        let Some(sum) = uses.of_value(Value { node: loss, result: 0 }).iter().find(sum) else { continue };
        let weight = graph.nodes[*sum].inputs[1];
        if weight.node < loss {
            graph.replace(loss, LossValue(kind), &[inputs[0], inputs[1], weight], &label)?;
        }
    }
    Ok(())
}
