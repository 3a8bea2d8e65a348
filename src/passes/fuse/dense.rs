//! A dense layer and its gradients: `x · wᵀ + b`, then its activation; `dy · w`, then times the derivative of the activation
//! before it; `dyᵀ · x` and the column sums of `dy`, which both read one matrix.

use super::{Uses, is_product};
use crate::error::Result;
use crate::graph::{Activation, Graph, Value};
use crate::ops::{Activate, ActivateGrad, AddBias, ColumnSum, Dense, InputGrad, MatMul, WeightGrad};
use crate::target::Target;

/// [`MatMul`], [`AddBias`] and [`Activate`] become [`Dense`].
pub fn dense_layers(graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
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

/// [`MatMul`] and [`ActivateGrad`] become [`InputGrad`].
pub fn input_grads(graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
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

/// [`MatMul`] and [`ColumnSum`] become [`WeightGrad`].
pub fn weight_grads(graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
    let mut taken = Vec::new();
    for sum in uses.nodes() {
        let n = &graph.nodes[sum];
        if n.op.is::<ColumnSum>().is_none() {
            continue;
        }
        let dy = n.inputs[0];
        let transposed = MatMul { trans_a: true, trans_b: false };
        let same = |user: &usize| {
            let value = Value { node: *user, result: 0 };
            let product = graph.nodes[*user].inputs[0] == dy && is_product(graph, value, transposed, target);
            product && !taken.contains(user)
        };
        let Some(product) = uses.of_value(dy).iter().copied().find(same) else { continue };
        // At the earlier node the later one's operands must be there: the other operand of the product, that is.
        let root = product.min(sum);
        let (x, label) = (graph.nodes[product].inputs[1], graph.nodes[product].label.clone());
        if x.node >= root {
            continue;
        }
        taken.push(product);
        let [dw, db] = [0, 1].map(|result| Value { node: root, result });
        let [of_product, of_sum] = [product, sum].map(|node| Value { node, result: 0 });
        graph.replace(root, WeightGrad { gather: false }, &[dy, x], &label)?;
        graph.substitute(of_sum, db);
        graph.substitute(of_product, dw);
    }
    Ok(())
}
