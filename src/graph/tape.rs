//! Reverse-mode differentiation, graph to graph: each operation has its own rule.
//!
//! Source of the method: S. Linnainmaa (1970); A. Griewank and A. Walther, "Evaluating Derivatives", 2nd edition,
//! chapter 3. The rules speak the language of the forward operations where they can: the gradient of a matrix product is two
//! matrix products with other transposes.

use super::{Graph, Node, Op, Operation, Source, Value, internal};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// A graph while gradients are appended to it.
pub struct Tape<'a> {
    graph: &'a mut Graph,
    /// The operation that joins two gradients of one value.
    add: &'a dyn Fn(&mut Graph, Value, Value) -> Result<Value>,
}

/// The gradients of a node's operands, in their order; `None` where none reaches one.
pub type Gradients = Result<Vec<Option<Value>>>;

/// A node whose operands' gradients are asked for.
pub struct Backward<'a, 'g> {
    tape: &'a mut Tape<'g>,
    node: usize,
    /// The gradients of its results. At the root, whose own gradient is 1, there is none.
    pub dy: &'a [Option<Value>],
    /// Which operands want one.
    pub wants: &'a [bool],
}

impl Backward<'_, '_> {
    /// Appends an operation; its label is the node's with `suffix`.
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn push(&mut self, operation: impl Operation, operands: &[Value], suffix: &str) -> Result<Value> {
        let label = format!("{}{suffix}", self.node().label);
        self.tape.graph.push(operation, operands, &label)
    }

    /// The same if operand `i` wants its gradient.
    ///
    /// # Errors
    /// As [`Graph::push`].
    pub fn push_for(
        &mut self,
        i: usize,
        operation: impl Operation,
        operands: &[Value],
        suffix: &str,
    ) -> Result<Option<Value>> {
        if self.wants[i] { self.push(operation, operands, suffix).map(Some) } else { Ok(None) }
    }

    /// The node.
    pub fn node(&self) -> &Node {
        &self.tape.graph.nodes[self.node]
    }

    /// An operand.
    pub fn operand(&self, i: usize) -> Value {
        self.node().inputs[i]
    }

    /// The first result.
    pub fn result(&self) -> Value {
        Value { node: self.node, result: 0 }
    }

    /// The gradient of the first result.
    ///
    /// # Errors
    /// [`Error::Internal`] at the root of a differentiation, which has none.
    pub fn dy(&self) -> Result<Value> {
        let name = || format!("%{} ({}) cannot be the root of a differentiation", self.node, self.node().op.name());
        self.dy.first().copied().flatten().ok_or_else(|| internal(name()))
    }

    /// The error of an operation without a gradient.
    pub fn no_rule(&self) -> Error {
        internal(format!("%{} ({}) has no gradient rule", self.node, self.node().op.name()))
    }
}

/// Appends the gradients of `root` (one number) with respect to every parameter that it depends on, and gives them by parameter,
/// in the parameters' order. `add` appends the sum of two values.
///
/// # Errors
/// [`Error::Internal`] for a root that cannot be one, or an operation on the way that has no gradient.
pub fn gradients(
    graph: &mut Graph,
    root: Value,
    add: &dyn Fn(&mut Graph, Value, Value) -> Result<Value>,
) -> Result<Vec<(String, Value)>> {
    let needed = needs_gradient(graph);
    let mut cotangents: HashMap<Value, Value> = HashMap::new();
    let mut tape = Tape { graph, add };
    for node in (0..=root.node).rev().filter(|n| needed[*n]) {
        let Node { op: Op::Apply(operation), inputs, results, .. } = tape.graph.nodes[node].clone() else { continue };
        let dy: Vec<Option<Value>> =
            (0..results.len()).map(|result| cotangents.get(&Value { node, result }).copied()).collect();
        if node != root.node && dy.iter().all(Option::is_none) {
            continue;
        }
        let wants: Vec<bool> = inputs.iter().map(|v| needed[v.node]).collect();
        let found = operation.gradient(&mut Backward { tape: &mut tape, node, dy: &dy, wants: &wants })?;
        for ((operand, gradient), wanted) in inputs.into_iter().zip(found).zip(wants) {
            let Some(gradient) = gradient.filter(|_| wanted) else { continue };
            let total = match cotangents.get(&operand) {
                Some(&sum) => (tape.add)(tape.graph, sum, gradient)?,
                None => gradient,
            };
            cotangents.insert(operand, total);
        }
    }
    let params = tape.graph.params().into_iter();
    Ok(params.filter_map(|(name, value)| Some((name, *cotangents.get(&value)?))).collect())
}

/// Which nodes depend on a parameter.
fn needs_gradient(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        let parameter = matches!(node.op, Op::Source(Source::Param { .. }));
        needed[i] = parameter || node.inputs.iter().any(|v| needed[v.node]);
    }
    needed
}
