//! A classifier's last layer, its cross entropy and the gradient of its input.

use super::Uses;
use crate::error::Result;
use crate::graph::{Activation, Graph, Source, Value};
use crate::kernels::{Kernel, head};
use crate::ops::{ClassifierHead, Dense, Gather, InputGrad, LossPair};
use crate::target::{Target, aligned};

/// Columns of the logits that the kernel holds in registers.
const COLUMNS: usize = 16;
/// Inputs of the layer at most: an invocation's loops take about as many rounds, and llvmpipe leaves them all after 65,535.
const INPUTS: usize = 1 << 15;

/// [`Dense`], the [`Gather`] of the classes, [`LossPair`] and [`InputGrad`] become [`ClassifierHead`], if nothing else reads what
/// it does not keep.
pub fn heads(graph: &mut Graph, uses: &Uses, target: &Target) -> Result<()> {
    if !able(graph, target) {
        return Ok(());
    }
    for loss in uses.nodes() {
        let Some((operation, operands, root)) = head_of(graph, uses, target, loss) else { continue };
        let label = graph.nodes[loss].label.clone();
        graph.replace(loss, operation, &operands, &label)?;
        graph.substitute(Value { node: root, result: 0 }, Value { node: loss, result: 2 });
    }
    Ok(())
}

/// Whether the target can run it: it binds more buffers than WebGPU promises, one of which holds the layer's weight and bias and
/// all between them, which must lie in one buffer.
fn able(graph: &Graph, target: &Target) -> bool {
    let bindings = Kernel::dense_cross_entropy.bindings.len() as u32;
    let parameters = graph.params().iter().map(|(_, v)| aligned(graph.ty(*v).len())).sum::<usize>();
    // A buffer of parameters ends only where the next one would make it larger than a binding.
    let fits = parameters <= target.limits.binding_elements();
    let subgroups = target.products.lanes.is_some_and(|lanes| lanes > 0);
    fits && subgroups && bindings <= target.limits.max_storage_buffers_per_shader_stage
}

/// The end of a classifier around `loss`: the operation, its operands, and the node of the gradient of its input.
fn head_of(graph: &Graph, uses: &Uses, target: &Target, loss: usize) -> Option<(ClassifierHead, [Value; 7], usize)> {
    let node = &graph.nodes[loss];
    let LossPair(kind) = *node.op.is::<LossPair>().filter(|l| l.0.takes_class())?;
    let (logits, classes, upstream) = (node.inputs[0], node.inputs[1], node.inputs[2]);
    let plain = |d: &&Dense| d.activation == Activation::Identity && !d.keep_z && !d.gather;
    graph.nodes[logits.node].op.is::<Dense>().filter(plain)?;
    let &[x, w, b] = &graph.nodes[logits.node].inputs[..] else { return None };
    let gather = &graph.nodes[classes.node];
    if gather.op.is::<Gather>().is_none() || uses.count(classes) != 1 || uses.count(logits) != 1 {
        return None;
    }
    let ((_, cols), (_, inputs)) = (graph.ty(logits).rows_cols(), graph.ty(x).rows_cols());
    // Parameters with weight decay come first in their arena, else they lie in the order of the nodes; the kernel wants the
    // bias behind the weight.
    let place = |v: Value| match graph.nodes[v.node].op.source() {
        Some(Source::Param { decay, .. }) => Some((!decay, v.node)),
        _ => None,
    };
    let width = target.products.lanes.unwrap_or_default() as usize;
    let rounds = head::rounds([0, cols, inputs], width);
    let fits = cols <= COLUMNS && inputs.is_multiple_of(4) && inputs <= INPUTS && place(w)? < place(b)?;
    if !fits || rounds > u64::from(target.limits.max_loop_rounds) {
        return None;
    }
    let dz = Value { node: loss, result: 1 };
    let backward = |n: &&usize| {
        let n = &graph.nodes[**n];
        n.op.is::<InputGrad>().is_some() && n.inputs[..2] == [dz, w]
    };
    let root = *uses.of_value(dz).iter().find(backward)?;
    let &InputGrad(activation) = graph.nodes[root].op.is()?;
    let saved = graph.nodes[root].inputs[2];
    let head = ClassifierHead { loss: kind, activation };
    Some((head, [x, w, b, gather.inputs[0], gather.inputs[1], upstream, saved], root))
}
