//! The verifier: what must hold of every graph, after every pass.

use super::{Graph, Op, internal};
use crate::error::Result;
use std::collections::HashSet;

/// Checks that operands precede their users, that every type is the one that its shape rule gives, that sources and
/// outputs have unique names, and that nothing is updated in place twice.
///
/// # Errors
/// [`crate::Error::Internal`] naming the pass and the node: a broken graph is a fault of wgrad.
pub fn verify(graph: &Graph, pass: &str) -> Result<()> {
    let mut sources = HashSet::new();
    let mut updated = HashSet::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let at = || format!("after {pass}, node %{i} ({}, {})", node.op.name(), node.label);
        for input in &node.inputs {
            if input.node >= i || input.result >= graph.nodes[input.node].results.len() {
                return Err(internal(format!("{} uses {input}, which does not come before it", at())));
            }
        }
        if node.results.iter().any(|ty| ty.is_empty() || ty.shape.len() > 2) {
            return Err(internal(format!("{} has a result that is empty or has more than two dimensions", at())));
        }
        match &node.op {
            Op::Source(_) => {
                if !node.inputs.is_empty() || node.results.len() != 1 {
                    return Err(internal(format!("{} is a source with operands or several results", at())));
                }
                if !sources.insert(node.op.name()) {
                    return Err(internal(format!("{} has the name of another source", at())));
                }
            }
            Op::Apply(operation) => {
                if graph.infer(operation.as_ref(), &node.inputs, &node.label)? != node.results {
                    return Err(internal(format!("{} has another type than its shape rule gives", at())));
                }
                for (_, operand) in operation.in_place() {
                    if !updated.insert(node.inputs[operand]) {
                        return Err(internal(format!("{} updates a parameter a second time", at())));
                    }
                }
            }
        }
    }
    let mut names = HashSet::new();
    for (name, value) in &graph.outputs {
        if value.node >= graph.nodes.len() || value.result >= graph.nodes[value.node].results.len() {
            return Err(internal(format!("after {pass}, output {name} is {value}, which does not exist")));
        }
        if !names.insert(name) {
            return Err(internal(format!("after {pass}, two outputs are called {name}")));
        }
    }
    Ok(())
}
