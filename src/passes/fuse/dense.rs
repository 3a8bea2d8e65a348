//! `x · wᵀ + b`, then its activation.

use super::{Rewrite, Uses, is_product};
use crate::error::Result;
use crate::graph::{Activation, Graph, Value};
use crate::ops::{Activate, ActivateGrad, AddBias, Dense, MatMul};
use crate::target::Target;

/// [`MatMul`], [`AddBias`] and [`Activate`] become [`Dense`].
pub struct DenseLayers;

impl Rewrite for DenseLayers {
    fn apply(&self, graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
        for add_bias in uses.nodes() {
            let n = &graph.nodes[add_bias];
            let forward = MatMul { trans_a: false, trans_b: true };
            if n.op.is::<AddBias>().is_none() || !is_product(graph, n.inputs[0], forward, target) {
                continue;
            }
            let (product, label) = (n.inputs[0], n.label.clone());
            if uses.count(product) != 1 {
                continue;
            }
            let inputs = [&graph.nodes[product.node].inputs[..], &n.inputs[1..]].concat();
            let z = Value { node: add_bias, result: 0 };
            let Some((root, activation)) = activation_of(graph, uses, z) else {
                let dense = Dense { activation: Activation::Identity, keep_z: false, gather: false };
                graph.replace(add_bias, dense, &inputs, &label)?;
                continue;
            };
            let kept = uses.of_value(z).len() > 1 && !activation.keeps_sign();
            graph.replace(root, Dense { activation, keep_z: kept, gather: false }, &inputs, &label)?;
            // The derivative of relu and leaky_relu needs the sign alone, which the output has, too.
            graph.substitute(z, Value { node: root, result: usize::from(kept) });
        }
        Ok(())
    }
}

/// The activation of `z` that can be computed with it: its only one, and every other user is its gradient; anyone else would
/// need z at its usual place.
fn activation_of(graph: &Graph, uses: &Uses, z: Value) -> Option<(usize, Activation)> {
    let users = uses.of_value(z);
    let activate = |n: &usize| Some((*n, graph.nodes[*n].op.is::<Activate>()?.0));
    let roots: Vec<(usize, Activation)> = users.iter().filter_map(activate).collect();
    let [(root, activation)] = roots[..] else { return None };
    let fits = |n: &usize| *n == root || graph.nodes[*n].op.is().is_some_and(|ActivateGrad(a)| *a == activation);
    (activation.is_element_wise() && users.iter().all(fits) && !uses.is_output(z)).then_some((root, activation))
}
