//! `dyᵀ · x` and the column sums of `dy`: both read one matrix and write two results.

use super::{Rewrite, Uses, is_product};
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::ops::{ColumnSum, MatMul, WeightGrad};
use crate::target::Target;

/// [`MatMul`] and [`ColumnSum`] become [`WeightGrad`].
pub struct WeightGrads;

impl Rewrite for WeightGrads {
    fn apply(&self, graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
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
}
