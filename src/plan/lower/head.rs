//! The end of a classifier in one dispatch.

use super::super::Range;
use super::super::choose::smoothing;
use super::super::fuse::{Extras, Head};
use super::super::memory::aligned;
use super::{Lowering, Options, Slot, sizes, unsupported};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, Value};
use crate::kernels::{Kernel, head};

/// What of the options' extras the target can run: the end of a classifier binds more buffers than WebGPU promises, one of them
/// holds the layer's weight and bias, which must lie in one buffer, and an invocation's loops count all inputs.
pub(super) fn possible(graph: &Graph, options: &Options) -> Extras {
    let bindings = Kernel::dense_cross_entropy.bindings.len() as u32;
    let parameters: usize =
        graph.nodes.iter().filter(|n| matches!(n.op, Op::Param { .. })).map(|n| aligned(n.results[0].len())).sum();
    // A buffer of parameters ends only where the next one would make it larger than a binding.
    let fits = parameters <= options.limits.binding_elements();
    let width = options.products.lanes.unwrap_or_default() as usize;
    let able = width > 0 && bindings <= options.limits.max_storage_buffers_per_shader_stage;
    // The logits of every loss, and the inputs of the layer that they come from.
    let deep = |n: &Node| match n.op {
        Op::Loss(_) => {
            let sums = |v: &Value| graph.nodes[v.node].inputs.first().copied();
            let cols = |v: Value| graph.ty(v).rows_cols().1;
            let inputs = sums(&n.inputs[0]).as_ref().and_then(sums).map_or(0, cols);
            head::rounds([0, cols(n.inputs[0]), inputs], width) > u64::from(options.limits.max_loop_rounds)
        }
        _ => false,
    };
    let able = able && !graph.nodes.iter().any(deep);
    Extras { head: options.extras.head && able && fits, ..options.extras }
}

impl Lowering<'_> {
    /// Last layer, loss and the gradients by its logits and its input.
    pub(super) fn head(&mut self, loss: usize, head: Head) -> Result<()> {
        let graph = self.graph;
        let node = |i: usize| &graph.nodes[i];
        let (product, gather, root) = (node(head.dense.matmul), node(head.gather), node(head.act_grad));
        let (Op::ActivateGrad(act), Op::Loss(kind)) = (&root.op, &node(loss).op) else {
            return Err(unsupported(root, "the end of a classifier"));
        };
        let (m, n) = graph.ty(node(loss).inputs[0]).rows_cols();
        let (_, k) = graph.ty(product.inputs[0]).rows_cols();
        let upstream = node(head.loss_grad).inputs[2];
        let [w, b] = [product.inputs[1], node(head.dense.add_bias).inputs[1]];
        let Some(layer) = self.both(w, b)? else { return Err(unsupported(root, "a bias before its weight")) };
        let strides = [self.stride(gather.inputs[1]), self.stride(upstream), layer.len - n];
        let bindings = vec![
            Slot::Fixed(self.step),
            self.slot(gather.inputs[1])?,
            self.slot(product.inputs[0])?,
            Slot::Fixed(layer),
            self.slot(gather.inputs[0])?,
            self.slot(upstream)?,
            self.slot(root.inputs[1])?,
            self.result(Value { node: loss, result: 0 }),
            self.result(Value { node: head.loss_grad, result: 0 }),
            self.result(Value { node: head.act_grad, result: 0 }),
        ];
        let lanes = self.options.products.lanes.unwrap_or_default();
        let mut constants = act.epilogue();
        constants.extend([("WIDTH", f64::from(lanes)), ("SUBGROUP", f64::from(lanes)), ("COLS", n as f64)]);
        constants.extend(smoothing(*kind));
        let params = sizes(&[m, n, k].into_iter().chain(strides).collect::<Vec<_>>());
        self.emit(Kernel::dense_cross_entropy, &node(loss).label, params, constants, bindings)
    }

    /// The range from the start of `w` to the end of `b`, where they lie in this order in one arena.
    fn both(&self, w: Value, b: Value) -> Result<Option<Range>> {
        let (Slot::Fixed(w), Slot::Fixed(b)) = (self.slot(w)?, self.slot(b)?) else { return Ok(None) };
        let follows = w.arena == b.arena && w.offset + w.len <= b.offset;
        Ok(follows.then(|| Range { len: b.offset + b.len - w.offset, ..w }))
    }
}
