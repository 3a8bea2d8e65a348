//! Fusion: which nodes of a graph one dispatch computes together.
//!
//! A pass over the graph that decides and moves nothing; `lower` reads the decisions. Patterns, each with its test that
//! fused and unfused agree (`tests/cpu/fusion.rs`):
//! 1. `x · wᵀ + b`, then its activation (`matmul_bias_act`);
//! 2. `dy · w`, then times the derivative of the activation before it (`matmul_act_grad`);
//! 3. `dyᵀ · x` and the column sums of `dy` (`matmul_col_sum`);
//! 4. a loss and its gradient (every loss kernel computes both);
//! 5. the gather of a batch, into the loads of the first layer's two products (`gather_matmul_bias_act`,
//!    `gather_matmul_col_sum`), where asked for;
//! 6. a classifier's last layer, its cross entropy and the gradient of its input (`dense_cross_entropy`), where asked for.

use crate::graph::{Activation, Dtype, Graph, Op, Value};
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
    /// Gathered batches that only fused products read, which load them from the data set.
    pub gathers: HashMap<Value, usize>,
    /// Loss -> the end of a classifier around it.
    pub heads: HashMap<usize, Head>,
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

/// The end of a classifier: last layer, loss, and the gradients by its logits and its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// The last layer.
    pub dense: Dense,
    /// The gather of the classes.
    pub gather: usize,
    /// The gradient by the logits.
    pub loss_grad: usize,
    /// The gradient by the layer's input, through the activation before it.
    pub act_grad: usize,
}

/// Patterns that only some executors have kernels for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// Pattern 5.
    pub gather: bool,
    /// Pattern 6.
    pub head: bool,
    /// No pattern: an invocation of an optimizer's step takes several words, on software adapters.
    pub strips: bool,
}

/// Finds the patterns in `graph` among its live nodes, each around a matrix product for which `may` is true. With `may` false
/// for all only the loss pattern is used, because a loss kernel cannot compute one half.
pub fn fuse(graph: &Graph, live: &[bool], may: &dyn Fn(usize) -> bool, extras: Extras) -> Fusion {
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
            Op::ActivateGrad(act) if act.is_element_wise() => {
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
    if extras.head {
        fuse_heads(graph, live, &uses, &mut fusion);
    }
    if extras.gather {
        fuse_gathers(graph, live, &uses, &mut fusion);
    }
    fusion
}

/// Columns of the logits that `dense_cross_entropy` holds in registers.
const HEAD_COLUMNS: usize = 16;
/// Inputs of the layer at most: an invocation's loops take about as many rounds, and llvmpipe leaves them all after 65,535.
const HEAD_INPUTS: usize = 1 << 15;

fn fuse_heads(graph: &Graph, live: &[bool], uses: &Uses, fusion: &mut Fusion) {
    let losses: Vec<usize> = fusion.loss.keys().copied().filter(|l| live[*l]).collect();
    for loss in losses {
        let Some(head) = head(graph, uses, fusion, loss) else { continue };
        fusion.loss.remove(&loss);
        fusion.dense.remove(&head.dense.add_bias);
        fusion.act_grad.remove(&head.act_grad);
        for node in [head.dense.add_bias, head.gather, head.act_grad] {
            fusion.absorbed[node] = true;
        }
        fusion.heads.insert(loss, head);
    }
}

/// The end of a classifier around `loss`, if nothing else reads what it does not keep.
fn head(graph: &Graph, uses: &Uses, fusion: &Fusion, loss: usize) -> Option<Head> {
    let node = &graph.nodes[loss];
    let loss_grad =
        fusion.loss.get(&loss).copied().filter(|_| matches!(node.op, Op::Loss(loss) if loss.takes_class()))?;
    let (logits, classes) = (node.inputs[0], node.inputs[1]);
    let dense = fusion.dense.get(&logits.node).copied().filter(|d| d.activation.is_none() && !d.keep_z)?;
    let alone = |v: Value| uses.count(v) == 2 && uses.of_value(v).iter().all(|u| [loss, loss_grad].contains(u));
    let gathered = graph.nodes[classes.node].op == Op::Gather && alone(classes) && alone(logits);
    let product = &graph.nodes[dense.matmul];
    let (_, cols) = graph.ty(logits).rows_cols();
    let (_, inputs) = graph.ty(product.inputs[0]).rows_cols();
    // Parameters with weight decay come first in their arena, else they lie in the order of the nodes; the kernel wants the
    // bias behind the weight.
    let parameter = |v: Value| match &graph.nodes[v.node].op {
        Op::Param { decay, .. } => Some((!decay, v.node)),
        _ => None,
    };
    let (w, b) = (parameter(product.inputs[1])?, parameter(graph.nodes[dense.add_bias].inputs[1])?);
    let fits = cols <= HEAD_COLUMNS && inputs.is_multiple_of(4) && inputs <= HEAD_INPUTS && w < b;
    let dz = Value { node: loss_grad, result: 0 };
    let backward = fusion.act_grad.iter().find(|(_, p)| graph.nodes[**p].inputs[..] == [dz, product.inputs[1]]);
    let act_grad = backward.map(|(root, _)| *root)?;
    (gathered && fits).then_some(Head { dense, gather: classes.node, loss_grad, act_grad })
}

/// Gathers of numbers whose every user is a product that can gather by itself.
fn fuse_gathers(graph: &Graph, live: &[bool], uses: &Uses, fusion: &mut Fusion) {
    let gather = |i: &usize| live[*i] && graph.nodes[*i].op == Op::Gather;
    for node in (0..graph.nodes.len()).filter(gather) {
        let batch = Value { node, result: 0 };
        let loads = |user: &usize| {
            let x = graph.nodes[*user].inputs.iter().position(|v| *v == batch);
            let forward = fusion.dense.values().any(|d| d.matmul == *user) && x == Some(0);
            forward || (fusion.col_sum.values().any(|(product, _)| product == user) && x == Some(1))
        };
        let users = uses.of_value(batch);
        let numbers = graph.ty(batch).dtype == Dtype::F32 && !uses.is_output(batch);
        if numbers && !users.is_empty() && users.iter().all(loads) {
            fusion.gathers.insert(batch, node);
            fusion.absorbed[node] = true;
        }
    }
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
            Op::Activate(act) if act.is_element_wise() => Some((root, act)),
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
            if act.keeps_sign() {
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
