//! Fusion: which nodes of a graph one dispatch computes together.
//!
//! A pass over the graph that decides and moves nothing; `lower` reads the decisions. Patterns, each with its test that
//! fused and unfused agree (`tests/fusion.rs`):
//! 1. `x · wᵀ + b`, then its activation (`matmul_bias_act`);
//! 2. `dy · w`, then times the derivative of the activation before it (`matmul_act_grad`);
//! 3. `dyᵀ · x` and the column sums of `dy` (`matmul_col_sum`);
//! 4. a loss and its gradient (every loss kernel computes both).

use crate::graph::{Activation, Graph, Op, Value};
use std::collections::HashMap;

/// What one dispatch computes beyond a single node. Keys are the nodes at which the dispatch is emitted.
#[derive(Debug, Default)]
pub struct Fusion {
    /// Root (AddBias or Activate) -> the dense layer that ends there.
    pub dense: HashMap<usize, Dense>,
    /// Root (ActivateGrad) -> the matrix product inside.
    pub act_grad: HashMap<usize, usize>,
    /// Root (the earlier of both) -> the product `dyᵀ · x` and the column sums of the same `dy`.
    pub col_sum: HashMap<usize, (usize, usize)>,
    /// Loss -> its LossGrad.
    pub loss: HashMap<usize, usize>,
    /// Nodes that are computed as part of another's dispatch.
    pub absorbed: Vec<bool>,
    /// Values that stand for another: the pre-activation of relu and leaky_relu is replaced by the output, whose sign
    /// is the same, so that it need not be kept.
    pub replaced: HashMap<Value, Value>,
}

/// A fused dense layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dense {
    /// The matrix product.
    pub matmul: usize,
    /// The sum with the bias.
    pub add_bias: usize,
    /// The activation at the root, if it is fused.
    pub activation: Option<Activation>,
    /// Whether the backward pass reads the pre-activation.
    pub keep_z: bool,
}

/// Finds the patterns in `graph` among its live nodes, each around a matrix product for which `may` is true. With `may` false
/// for all only the loss pattern is used, because a loss kernel cannot compute one half.
pub fn fuse(graph: &Graph, live: &[bool], may: &dyn Fn(usize) -> bool) -> Fusion {
    let uses = Uses::of(graph, live);
    let mut fusion = Fusion { absorbed: vec![false; graph.nodes.len()], ..Fusion::default() };
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
        match &node.op {
            Op::LossGrad(_) => {
                let same = |l: &usize| live[*l] && graph.nodes[*l].inputs[..] == node.inputs[..2];
                let loss = (0..i).filter(|l| matches!(graph.nodes[*l].op, Op::Loss(_))).find(same);
                if let Some(loss) = loss.filter(|l| node.inputs[2].node < *l) {
                    fusion.loss.insert(loss, i);
                    fusion.absorbed[i] = true;
                }
            }
            Op::ColumnSum => fuse_column_sum(graph, live, i, may, &mut fusion),
            Op::AddBias if may(node.inputs[0].node) => fuse_dense(graph, &uses, i, &mut fusion),
            Op::ActivateGrad(act) if *act != Activation::Softmax => {
                let product = node.inputs[0];
                let plain = Op::MatMul { trans_a: false, trans_b: false };
                if graph.nodes[product.node].op == plain && uses.count(product) == 1 && may(product.node) {
                    fusion.act_grad.insert(i, product.node);
                    fusion.absorbed[product.node] = true;
                }
            }
            _ => {}
        }
    }
    fusion
}

/// The product of the same matrix, transposed, with another one; both read it from one place and write two.
fn fuse_column_sum(graph: &Graph, live: &[bool], sum: usize, may: &dyn Fn(usize) -> bool, fusion: &mut Fusion) {
    let dy = graph.nodes[sum].inputs[0];
    let op = Op::MatMul { trans_a: true, trans_b: false };
    let same = |i: &usize| live[*i] && graph.nodes[*i].op == op && graph.nodes[*i].inputs[0] == dy && may(*i);
    let Some(product) = (0..graph.nodes.len()).find(same) else { return };
    // At the earlier node the later one's operands must be there: the other operand of the product, that is.
    let root = product.min(sum);
    if graph.nodes[product].inputs[1].node < root && !fusion.absorbed[product] {
        fusion.absorbed[product] = true;
        fusion.absorbed[sum] = true;
        fusion.col_sum.insert(root, (product, sum));
    }
}

fn fuse_dense(graph: &Graph, uses: &Uses, add_bias: usize, fusion: &mut Fusion) {
    let product = graph.nodes[add_bias].inputs[0];
    let forward = Op::MatMul { trans_a: false, trans_b: true };
    if graph.nodes[product.node].op != forward || uses.count(product) != 1 {
        return;
    }
    fusion.absorbed[product.node] = true;
    let z = Value { node: add_bias, result: 0 };
    let mut dense = Dense { matmul: product.node, add_bias, activation: None, keep_z: false };
    let users = uses.of_value(z);
    let roots: Vec<usize> = users.iter().copied().filter(|u| matches!(graph.nodes[*u].op, Op::Activate(_))).collect();
    let act = match roots[..] {
        [root] => match graph.nodes[root].op {
            Op::Activate(act) if act != Activation::Softmax => Some((root, act)),
            _ => None,
        },
        _ => None,
    };
    // Every other user must be the activation's own gradient: anyone else would need z at its usual place.
    let fits = |act: Activation| {
        users.iter().all(|u| matches!(&graph.nodes[*u].op, Op::Activate(a) | Op::ActivateGrad(a) if *a == act))
    };
    match act {
        Some((root, act)) if fits(act) && !uses.is_output(z) => {
            dense.activation = Some(act);
            let backward = users.len() > 1;
            if sign_preserving(act) {
                fusion.replaced.insert(z, Value { node: root, result: 0 });
            } else {
                dense.keep_z = backward;
            }
            fusion.absorbed[add_bias] = true;
            fusion.dense.insert(root, dense);
        }
        _ => {
            fusion.dense.insert(add_bias, dense);
        }
    }
}

/// relu, and leaky_relu with a positive slope: the derivative at the output is the derivative at the input.
fn sign_preserving(act: Activation) -> bool {
    matches!(act, Activation::Relu) || matches!(act, Activation::LeakyRelu { slope } if slope > 0.0)
}

/// Who uses a value.
struct Uses {
    users: HashMap<Value, Vec<usize>>,
    outputs: Vec<Value>,
}

impl Uses {
    fn of(graph: &Graph, live: &[bool]) -> Uses {
        let mut users: HashMap<Value, Vec<usize>> = HashMap::new();
        for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
            for input in &node.inputs {
                users.entry(*input).or_default().push(i);
            }
        }
        Uses { users, outputs: graph.outputs.iter().map(|(_, v)| *v).collect() }
    }

    fn of_value(&self, value: Value) -> &[usize] {
        self.users.get(&value).map_or(&[], Vec::as_slice)
    }

    fn is_output(&self, value: Value) -> bool {
        self.outputs.contains(&value)
    }

    /// Number of users, an output counting as one.
    fn count(&self, value: Value) -> usize {
        self.of_value(value).len() + usize::from(self.is_output(value))
    }
}
