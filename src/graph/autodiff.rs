//! Reverse-mode differentiation, graph to graph: one rule an operation.
//!
//! Source of the method: S. Linnainmaa (1970); A. Griewank and A. Walther, "Evaluating Derivatives", 2nd edition,
//! chapter 3. The rules speak the language of the forward ops: the gradient of a matrix product is two matrix products
//! with other transposes, so that no op exists for gradients alone but the activation's and the loss's own.

use super::{Activation, Graph, Op, Value, internal};
use crate::error::Result;
use std::collections::HashMap;

/// Appends the gradients of `root` (one number) with respect to every parameter that it depends on, and names them
/// `grad.<parameter>` among the outputs, in the parameters' order.
///
/// # Errors
/// [`crate::Error::Internal`] for a root that is not a weighted sum, or an op on the way that has no gradient.
pub fn differentiate(graph: &mut Graph, root: Value) -> Result<()> {
    for (name, gradient) in gradients(graph, root)? {
        graph.output(&format!("grad.{name}"), gradient);
    }
    Ok(())
}

/// Appends the gradients of `root` as [`differentiate`] does, and gives them by parameter, in the parameters' order; nothing
/// becomes an output.
///
/// # Errors
/// As [`differentiate`].
pub fn gradients(graph: &mut Graph, root: Value) -> Result<Vec<(String, Value)>> {
    let forward = graph.nodes.len();
    let needed = needs_gradient(graph);
    let mut cotangents: HashMap<Value, Value> = HashMap::new();
    for node in (0..=root.node.min(forward - 1)).rev() {
        if !needed[node] {
            continue;
        }
        let seed = node == root.node;
        let upstream = cotangents.get(&Value { node, result: 0 }).copied();
        if !seed && upstream.is_none() {
            continue;
        }
        for (operand, gradient) in rule(graph, node, upstream, seed, &needed)? {
            let total = match cotangents.get(&operand) {
                Some(&sum) => graph.push(Op::Add, &[sum, gradient], "sum of gradients")?,
                None => gradient,
            };
            cotangents.insert(operand, total);
        }
    }
    let params = graph.params().into_iter();
    Ok(params.filter_map(|(name, value)| Some((name, *cotangents.get(&value)?))).collect())
}

/// Which nodes depend on a parameter.
fn needs_gradient(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate() {
        needed[i] = matches!(node.op, Op::Param { .. }) || node.inputs.iter().any(|v| needed[v.node]);
    }
    needed
}

/// The gradients that node `node` hands to its operands.
fn rule(
    graph: &mut Graph,
    node: usize,
    upstream: Option<Value>,
    seed: bool,
    needed: &[bool],
) -> Result<Vec<(Value, Value)>> {
    let Some(dy) = upstream else {
        // The root's own gradient is 1: the gradient of a weighted sum is then its weights, with nothing to compute.
        let n = &graph.nodes[node];
        return match n.op {
            Op::WeightedSum if seed => Ok(vec![(n.inputs[0], n.inputs[1])]),
            _ => Err(internal(format!("%{node} ({}) cannot be the root of a differentiation", n.op.name()))),
        };
    };
    let inputs = graph.nodes[node].inputs.clone();
    let label = graph.nodes[node].label.clone();
    let wants = |i: usize| needed[inputs[i].node];
    let mut out = Vec::new();
    match graph.nodes[node].op.clone() {
        Op::Data { .. } | Op::Table { .. } | Op::Param { .. } | Op::State { .. } | Op::Buffer { .. } => {}
        Op::MatMul { trans_a, trans_b } => {
            if wants(0) {
                let ga = matmul_left(graph, trans_a, trans_b, dy, inputs[1], &format!("{label}.input.grad"))?;
                out.push((inputs[0], ga));
            }
            if wants(1) {
                let gb = matmul_right(graph, trans_a, trans_b, inputs[0], dy, &format!("{label}.weight.grad"))?;
                out.push((inputs[1], gb));
            }
        }
        Op::AddBias => {
            out.push((inputs[0], dy));
            if wants(1) {
                out.push((inputs[1], graph.push(Op::ColumnSum, &[dy], &format!("{label}.bias.grad"))?));
            }
        }
        // The same mask on dy: the operation is linear, and its own transpose.
        op @ Op::Dropout { .. } => {
            out.push((inputs[0], graph.push(op, &[dy, inputs[1]], &format!("{label}.grad"))?));
        }
        Op::Add => out.extend([(inputs[0], dy), (inputs[1], dy)]),
        Op::Activate(Activation::Identity) => out.push((inputs[0], dy)),
        Op::Activate(activation) => {
            // Softmax' gradient is a function of its output; the others' of their input, which keeps all digits.
            let saved = if activation == Activation::Softmax { Value { node, result: 0 } } else { inputs[0] };
            let op = Op::ActivateGrad(activation);
            out.push((inputs[0], graph.push(op, &[dy, saved], &format!("{label}.activation.grad"))?));
        }
        Op::Loss(loss) => {
            let gradient = graph.push(Op::LossGrad(loss), &[inputs[0], inputs[1], dy], "loss.grad")?;
            out.push((inputs[0], gradient));
        }
        op @ (Op::LayerNorm { .. } | Op::BatchNorm { .. }) => out = normalised(graph, &op, dy, &inputs, &label)?,
        op @ (Op::LayerNormGrad { .. } | Op::BatchNormGrad { .. } | Op::BatchMoments { .. }) => {
            return Err(no_rule(node, &op));
        }
        op @ (Op::Concat | Op::SquareSum | Op::ClipNorm { .. } | Op::ClipValue { .. }) => {
            return Err(no_rule(node, &op));
        }
        op @ (Op::Gather | Op::ActivateGrad(_) | Op::ColumnSum | Op::LossGrad(_) | Op::WeightedSum | Op::Update(_)) => {
            return Err(no_rule(node, &op));
        }
    }
    out.retain(|(operand, _)| needed[operand.node]);
    Ok(out)
}

fn no_rule(node: usize, op: &Op) -> crate::error::Error {
    internal(format!("%{node} ({}) has no gradient rule", op.name()))
}

/// The gradients of a normalising layer for x, weight and bias: one op for the first two, of which the second gives a column sum.
fn normalised(g: &mut Graph, op: &Op, dy: Value, inputs: &[Value], label: &str) -> Result<Vec<(Value, Value)>> {
    let x = inputs[0];
    let (op, operands, weight, bias) = match *op {
        Op::LayerNorm { eps } => (Op::LayerNormGrad { eps }, vec![dy, x, inputs[1]], inputs[1], inputs[2]),
        Op::BatchNorm { eps } => {
            let mut operands = vec![dy, x, inputs[1], inputs[2], inputs[3]];
            // The gradient goes through the moments where they are the batch's own, whose node gives the count, too.
            if matches!(g.nodes[inputs[1].node].op, Op::BatchMoments { .. }) {
                operands.push(Value { node: inputs[1].node, result: 2 });
            }
            (Op::BatchNormGrad { eps }, operands, inputs[3], inputs[4])
        }
        ref other => return Err(internal(format!("{label}: {} does not normalise", other.name()))),
    };
    let dx = g.push(op, &operands, &format!("{label}.grad"))?;
    let each = Value { result: 1, ..dx };
    let weight_grad = g.push(Op::ColumnSum, &[each], &format!("{label}.weight.grad"))?;
    let bias_grad = g.push(Op::ColumnSum, &[dy], &format!("{label}.bias.grad"))?;
    Ok(vec![(x, dx), (weight, weight_grad), (bias, bias_grad)])
}

/// Gradient of op(a) · op(b) with respect to a: dy · op(b)ᵀ, or its transpose where a was transposed.
fn matmul_left(g: &mut Graph, trans_a: bool, trans_b: bool, dy: Value, b: Value, label: &str) -> Result<Value> {
    if trans_a {
        g.push(Op::MatMul { trans_a: trans_b, trans_b: true }, &[b, dy], label)
    } else {
        g.push(Op::MatMul { trans_a: false, trans_b: !trans_b }, &[dy, b], label)
    }
}

/// Gradient of op(a) · op(b) with respect to b: op(a)ᵀ · dy, or its transpose where b was transposed.
fn matmul_right(g: &mut Graph, trans_a: bool, trans_b: bool, a: Value, dy: Value, label: &str) -> Result<Value> {
    if trans_b {
        g.push(Op::MatMul { trans_a: true, trans_b: trans_a }, &[dy, a], label)
    } else {
        g.push(Op::MatMul { trans_a: !trans_a, trans_b: false }, &[a, dy], label)
    }
}
