//! The gather of a batch, into the loads of the first layer's two products.

use super::Uses;
use crate::error::Result;
use crate::graph::{Dtype, Graph, Value};
use crate::ops::{Dense, Gather, WeightGrad};
use crate::target::Target;

/// [`Gather`] and [`Dense`], [`Gather`] and [`WeightGrad`] become one, where all users of a batch can gather by themselves.
pub fn gathers(graph: &mut Graph, uses: &Uses, _: &Target) -> Result<()> {
    for node in uses.nodes() {
        let n = &graph.nodes[node];
        let batch = Value { node, result: 0 };
        let users = uses.of_value(batch);
        let numbers = n.op.is::<Gather>().is_some() && graph.ty(batch).dtype == Dtype::F32;
        let loads = |user: &usize| {
            let n = &graph.nodes[*user];
            let x = n.inputs.iter().position(|v| *v == batch);
            (n.op.is::<Dense>().is_some() && x == Some(0)) || (n.op.is::<WeightGrad>().is_some() && x == Some(1))
        };
        if !numbers || uses.is_output(batch) || users.is_empty() || !users.iter().all(loads) {
            continue;
        }
        let source = n.inputs.clone();
        for user in users {
            let n = &graph.nodes[*user];
            let label = n.label.clone();
            match n.op.is::<Dense>().map(|d| (d.activation, d.keep_z)) {
                Some((activation, keep_z)) => {
                    let inputs = [&source[..], &n.inputs[1..]].concat();
                    graph.replace(*user, Dense { activation, keep_z, gather: true }, &inputs, &label)?;
                }
                None => {
                    let inputs = [&n.inputs[..1], &source].concat();
                    graph.replace(*user, WeightGrad { gather: true }, &inputs, &label)?;
                }
            }
        }
    }
    Ok(())
}
