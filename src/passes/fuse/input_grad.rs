//! `dy · w`, then times the derivative of the activation before it.

use super::{Rewrite, Uses, is_product};
use crate::error::Result;
use crate::graph::Graph;
use crate::ops::{ActivateGrad, InputGrad, MatMul};
use crate::target::Target;

/// [`MatMul`] and [`ActivateGrad`] become [`InputGrad`].
pub struct InputGrads;

impl Rewrite for InputGrads {
    fn apply(&self, graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
        for root in uses.nodes() {
            let n = &graph.nodes[root];
            let Some(&ActivateGrad(activation)) = n.op.is() else { continue };
            let product = n.inputs[0];
            let plain = MatMul { trans_a: false, trans_b: false };
            let fits = activation.is_element_wise() && is_product(graph, product, plain, target);
            if fits && uses.count(product) == 1 {
                let inputs = [&graph.nodes[product.node].inputs[..], &n.inputs[1..]].concat();
                let label = n.label.clone();
                graph.replace(root, InputGrad(activation), &inputs, &label)?;
            }
        }
        Ok(())
    }
}
