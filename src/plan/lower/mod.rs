//! Lowering: a graph to a plan. One rule an operation; fused groups become one dispatch.

mod clip;
mod cut;
mod finish;
mod guard;
mod head;
mod layer;
mod places;
mod product;
mod sum;

pub use finish::fold_grid;

use super::Products;
use super::blocks::blocks;
use super::choose::{Constants, element, loss_kernel, smoothing, update_kernel, update_params};
use super::fuse::{Dense, Extras, Fusion, fuse};
use super::tuning::{Class, Table};
use super::{ALIGN_ELEMENTS, Arena, Lifetime, Limits, Plan, Range};
use crate::error::{Error, Result};
use crate::graph::{self, Activation, Graph, Loss, Op, Optimizer, Value};
use crate::kernels::{Args, COL_SUM_ROWS, Dtype, Kernel, Param, row_lanes};
use cut::Part;
use std::collections::HashMap;
use std::sync::Arc;

/// Words of four that an invocation of an optimizer's step takes at most.
const MOST_WORDS: usize = 8;
/// Workgroups that such a step has at least where an invocation takes several: some for each of a machine's cores.
const STRIP_GROUPS: usize = 16;

/// Choices of the lowering.
#[derive(Debug, Clone)]
pub struct Options {
    /// Prefix of the plan's own arenas.
    pub name: String,
    /// Rows of the tables and of the log.
    pub steps: usize,
    /// Use the fusion patterns; off to bisect a fault.
    pub fuse: bool,
    /// Give every value a place of its own for the whole step, so that all can be read afterwards.
    pub keep_all: bool,
    /// Limits of the target: what is larger than a binding or buffer is divided.
    pub limits: Limits,
    /// How matrix products work.
    pub products: Products,
    /// The ways that were measured to be the fastest; products of other classes follow the rules.
    pub tuned: Option<Arc<Table>>,
    /// Patterns of fusion that the GPU executor alone gains from.
    pub extras: Extras,
    /// Whole train steps in one dispatch where that pays; for the GPU executor alone.
    pub whole: bool,
}

impl Options {
    /// Fused, tables of `steps` rows, within WebGPU's default limits.
    pub fn new(name: &str, steps: usize) -> Self {
        Options {
            name: name.to_string(),
            steps,
            fuse: true,
            keep_all: false,
            limits: Limits::WEBGPU,
            products: Products::default(),
            tuned: None,
            extras: Extras::default(),
            whole: false,
        }
    }

    /// The override constants for y `[m, n]` = op(a) · op(b) over k: of the measured way, where the target can take it.
    fn product(&self, sizes: [usize; 3], trans: [bool; 2]) -> Constants {
        let class = Class::of(sizes, trans);
        let measured = self.tuned.as_ref().and_then(|table| table.get(&class)).copied();
        let able = measured.filter(|way| self.products.ways(&class).contains(way));
        self.products.constants_of(able.unwrap_or_else(|| self.products.rule(sizes)), sizes, trans)
    }
}

/// Lowers the live part of `graph`.
///
/// # Errors
/// [`Error::Limit`] when a tensor or arena does not fit `options.limits`; [`Error::Internal`] for a graph that has no
/// lowering.
pub fn lower(graph: &Graph, options: &Options) -> Result<Plan> {
    let plain = Options { extras: Extras::default(), ..options.clone() };
    let (plan, divided) = separate(graph, &plain)?;
    // What is divided, and whole steps, are made of plain dispatches.
    if divided {
        return Ok(plan);
    }
    let plan = if options.whole { super::whole::apply(graph, &plain, plan)? } else { plan };
    let extras = head::possible(graph, options);
    if plan.whole.is_some() || extras == Extras::default() {
        return Ok(plan);
    }
    Ok(separate(graph, &Options { extras, ..options.clone() })?.0)
}

/// The plan with a dispatch for each fused group, and whether anything was larger than a binding.
pub(super) fn separate(graph: &Graph, options: &Options) -> Result<(Plan, bool)> {
    let live = graph.live();
    let mut lowering = Lowering::new(graph, options);
    lowering.fusion = fuse(graph, &live, &|node| lowering.may_fuse(node), options.extras);
    lowering.place_sources(&live);
    lowering.place_parameters()?;
    lowering.place_running();
    for node in (0..graph.nodes.len()).filter(|n| live[*n]) {
        lowering.node(node)?;
    }
    let divided = lowering.divided;
    Ok((lowering.finish()?, divided))
}

/// A place that is known, or a tensor that the memory pass will place.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Fixed(Range),
    Scratch(usize),
}

/// An operand that a product reads at its place, or gathers from a data set.
struct Batch {
    /// `step` and the index table, where it gathers.
    first: Vec<Slot>,
    x: Slot,
    /// Elements of a row of the index table, where it gathers.
    stride: Option<usize>,
}

struct Draft {
    kernel: Kernel,
    label: String,
    args: Args,
    bindings: Vec<Part>,
}

struct Lowering<'a> {
    graph: &'a Graph,
    options: &'a Options,
    fusion: Fusion,
    arenas: Vec<Arena>,
    /// Tensors for the memory pass, with name and shape.
    scratch: Vec<(String, Vec<usize>, Dtype)>,
    slots: HashMap<Value, Slot>,
    fixed: Vec<(String, Vec<usize>, Range)>,
    drafts: Vec<Draft>,
    /// The step counter; every table is indexed by it.
    step: Range,
    /// Elements of the parameter arena to which weight decay applies; they come first.
    decayed: usize,
    params_len: usize,
    /// Where the parameters' arena goes on in another buffer; gradients and states have the same offsets.
    params_cuts: Vec<usize>,
    updates: Option<(Optimizer, Value)>,
    /// Whether any dispatch was cut, the optimizer's apart.
    divided: bool,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph, options: &'a Options) -> Self {
        let step = Range { arena: 0, offset: 0, len: 1 };
        let mut lowering = Lowering {
            graph,
            options,
            fusion: Fusion::default(),
            arenas: Vec::new(),
            scratch: Vec::new(),
            slots: HashMap::new(),
            fixed: Vec::new(),
            drafts: Vec::new(),
            step,
            decayed: 0,
            params_len: 0,
            params_cuts: Vec::new(),
            updates: None,
            divided: false,
        };
        lowering.arena(format!("{}.step", options.name), Dtype::U32, 1, Lifetime::Plan);
        lowering
    }

    fn arena(&mut self, name: String, dtype: Dtype, len: usize, lifetime: Lifetime) -> usize {
        self.arenas.push(Arena::new(name, dtype, len, lifetime));
        self.arenas.len() - 1
    }

    fn fix(&mut self, value: Value, name: String, shape: Vec<usize>, range: Range) {
        self.slots.insert(value, Slot::Fixed(range));
        self.fixed.push((name, shape, range));
    }

    /// The place of an operand.
    fn slot(&self, value: Value) -> Result<Slot> {
        let value = self.fusion.replaced.get(&value).copied().unwrap_or(value);
        self.slots
            .get(&value)
            .copied()
            .ok_or_else(|| Error::Internal(format!("{value} was used before it had a place")))
    }

    /// A place for a result: the one that is fixed for it, or a scratch tensor.
    fn result(&mut self, value: Value) -> Slot {
        if let Some(slot) = self.slots.get(&value) {
            return *slot;
        }
        let ty = self.graph.ty(value);
        let named = self.graph.outputs.iter().find(|(_, v)| *v == value).map(|(n, _)| n.clone());
        let name = named.unwrap_or_else(|| format!("{value} {}", self.graph.nodes[value.node].label));
        let slot = self.scratch(name, ty.shape.clone(), element(ty.dtype));
        self.slots.insert(value, slot);
        slot
    }

    fn scratch(&mut self, name: String, shape: Vec<usize>, dtype: Dtype) -> Slot {
        self.scratch.push((name, shape, dtype));
        Slot::Scratch(self.scratch.len() - 1)
    }

    fn node(&mut self, node: usize) -> Result<()> {
        if let Some(dense) = self.fusion.dense.get(&node).copied() {
            return self.dense(node, dense);
        }
        if let Some(product) = self.fusion.act_grad.get(&node).copied() {
            return self.act_grad(node, product);
        }
        if let Some((product, sum)) = self.fusion.col_sum.get(&node).copied() {
            return self.product_and_sum(product, sum);
        }
        if let Some(head) = self.fusion.heads.get(&node).copied() {
            return self.head(node, head);
        }
        if self.fusion.absorbed[node] {
            return Ok(());
        }
        let graph = self.graph;
        let n = &graph.nodes[node];
        let y = Value { node, result: 0 };
        let (rows, cols) = n.results[0].rows_cols();
        match &n.op {
            Op::Data { .. } | Op::Table { .. } | Op::Param { .. } | Op::State { .. } | Op::Buffer { .. } => {}
            Op::Gather => self.gather(n, y)?,
            Op::MatMul { trans_a, trans_b } => self.product(node, [*trans_a, *trans_b])?,
            Op::Dropout { .. }
            | Op::LayerNorm { .. }
            | Op::LayerNormGrad { .. }
            | Op::BatchMoments { .. }
            | Op::BatchNorm { .. }
            | Op::BatchNormGrad { .. } => self.layer(node)?,
            Op::Add | Op::AddBias => self.sum(node)?,
            Op::Activate(act) => {
                let bindings = vec![self.slot(n.inputs[0])?, self.result(y)];
                self.activation(*act, false, &n.label, [rows, cols], bindings)?;
            }
            Op::ActivateGrad(act) => {
                let bindings = vec![self.slot(n.inputs[0])?, self.slot(n.inputs[1])?, self.result(y)];
                self.activation(*act, true, &n.label, [rows, cols], bindings)?;
            }
            Op::ColumnSum => self.column_sum(n.inputs[0], y, &n.label)?,
            Op::Loss(loss) => self.loss(node, *loss)?,
            Op::LossGrad(_) => return Err(unsupported(n, "a loss gradient without its loss")),
            Op::WeightedSum => {
                let (x, weight) = (self.slot(n.inputs[0])?, self.slot(n.inputs[1])?);
                let len = self.options.steps;
                let arena = self.arena(format!("{}.log", self.options.name), Dtype::F32, len, Lifetime::Plan);
                let log = Range { arena, offset: 0, len };
                self.fix(y, "loss".into(), vec![len], log);
                let params = sizes(&[graph.ty(n.inputs[0]).len(), self.stride(n.inputs[1])]);
                let bindings = vec![x, weight, Slot::Fixed(log), Slot::Fixed(self.step)];
                self.emit(Kernel::weighted_sum, &n.label, params, vec![], bindings)?;
            }
            Op::Concat => self.concat(node)?,
            Op::SquareSum | Op::ClipNorm { .. } | Op::ClipValue { .. } => self.clipping(node)?,
            Op::Update(optimizer) => match self.updates {
                None => self.updates = Some((*optimizer, n.inputs[2])),
                Some((first, _)) if first == *optimizer => {}
                Some(_) => return Err(unsupported(n, "two optimizers in one graph")),
            },
        }
        Ok(())
    }

    /// Elements between two steps' rows of a table; 0 for a plain tensor, which is the same at every step.
    fn stride(&self, value: Value) -> usize {
        match self.graph.nodes[value.node].op {
            Op::Table { .. } => self.graph.ty(value).len(),
            _ => 0,
        }
    }

    fn dense(&mut self, root: usize, dense: Dense) -> Result<()> {
        let graph = self.graph;
        let (product, sum) = (&graph.nodes[dense.matmul], &graph.nodes[dense.add_bias]);
        let (w, b) = (self.slot(product.inputs[1])?, self.slot(sum.inputs[1])?);
        let (m, n) = sum.results[0].rows_cols();
        let (_, k) = graph.ty(product.inputs[0]).rows_cols();
        let y = self.result(Value { node: root, result: 0 });
        let z = if dense.keep_z {
            self.result(Value { node: dense.add_bias, result: 0 })
        } else {
            // The binding must exist; the kernel does not touch it.
            self.scratch(format!("unused by {}", sum.label), vec![1], Dtype::F32)
        };
        let mut constants = dense.activation.unwrap_or(Activation::Identity).epilogue();
        constants.push(("KEEP_Z", f64::from(dense.keep_z)));
        constants.extend(self.options.product([m, n, k], [false, true]));
        let Batch { first, x, stride } = self.batch(product.inputs[0])?;
        let kernel = if stride.is_some() { Kernel::gather_matmul_bias_act } else { Kernel::matmul_bias_act };
        let params: Vec<usize> = [m, n, k].into_iter().chain(stride).collect();
        let bindings = first.into_iter().chain([x, w, b, y, z]).collect();
        self.emit(kernel, &sum.label, sizes(&params), constants, bindings)?;
        Ok(())
    }

    /// The operand of a product that may gather it.
    fn batch(&self, value: Value) -> Result<Batch> {
        let Some(gather) = self.fusion.gathers.get(&value) else {
            return Ok(Batch { first: Vec::new(), x: self.slot(value)?, stride: None });
        };
        let n = &self.graph.nodes[*gather];
        let first = vec![Slot::Fixed(self.step), self.slot(n.inputs[1])?];
        Ok(Batch { first, x: self.slot(n.inputs[0])?, stride: Some(self.stride(n.inputs[1])) })
    }

    fn act_grad(&mut self, root: usize, product: usize) -> Result<()> {
        let graph = self.graph;
        let (n, p) = (&graph.nodes[root], &graph.nodes[product]);
        let Op::ActivateGrad(act) = n.op else { return Err(unsupported(n, "a fused activation gradient")) };
        let bindings = vec![
            self.slot(p.inputs[0])?,
            self.slot(p.inputs[1])?,
            self.slot(n.inputs[1])?,
            self.result(Value { node: root, result: 0 }),
        ];
        let (rows, cols) = n.results[0].rows_cols();
        let (_, k) = graph.ty(p.inputs[0]).rows_cols();
        let mut constants = act.epilogue();
        constants.extend(self.options.product([rows, cols, k], [false, false]));
        self.emit(Kernel::matmul_act_grad, &n.label, sizes(&[rows, cols, k]), constants, bindings)?;
        Ok(())
    }

    fn gather(&mut self, n: &graph::Node, y: Value) -> Result<()> {
        let (rows, cols) = n.results[0].rows_cols();
        let (data, index) = (self.slot(n.inputs[0])?, self.slot(n.inputs[1])?);
        let bindings = vec![Slot::Fixed(self.step), index, data, self.result(y)];
        let params = sizes(&[rows, cols, self.stride(n.inputs[1])]);
        let vec = vec![("VEC", f64::from(cols.is_multiple_of(4)))];
        self.emit(Kernel::gather_rows, &n.label, params, vec, bindings)?;
        Ok(())
    }

    fn product(&mut self, node: usize, trans: [bool; 2]) -> Result<()> {
        let n = &self.graph.nodes[node];
        let (rows, cols) = n.results[0].rows_cols();
        let y = self.result(Value { node, result: 0 });
        let slots = [self.slot(n.inputs[0])?, self.slot(n.inputs[1])?, y];
        self.matmul(&n.label, [rows, cols, self.depth(node)], trans, slots)
    }

    /// Both gradients of a dense layer's parameters in one pass.
    fn product_and_sum(&mut self, product: usize, sum: usize) -> Result<()> {
        let graph = self.graph;
        let p = &graph.nodes[product];
        let (k, m) = graph.ty(p.inputs[0]).rows_cols();
        let (_, n) = graph.ty(p.inputs[1]).rows_cols();
        let dy = self.slot(p.inputs[0])?;
        let Batch { first, x, stride } = self.batch(p.inputs[1])?;
        let [dw, db] = [product, sum].map(|node| self.result(Value { node, result: 0 }));
        let constants = self.options.product([m, n, k], [true, false]);
        let kernel = if stride.is_some() { Kernel::gather_matmul_col_sum } else { Kernel::matmul_col_sum };
        let params: Vec<usize> = [m, n, k].into_iter().chain(stride).collect();
        let bindings = first.into_iter().chain([dy, x, dw, db]).collect();
        self.emit(kernel, &p.label, sizes(&params), constants, bindings)?;
        Ok(())
    }

    fn activation(
        &mut self,
        act: Activation,
        grad: bool,
        label: &str,
        [rows, cols]: [usize; 2],
        bindings: Vec<Slot>,
    ) -> Result<()> {
        let kernel = if grad { act.gradient_kernel() } else { act.kernel() };
        if !act.is_element_wise() {
            let lanes = vec![("LANES", row_lanes(cols) as f64)];
            return self.emit(kernel, label, sizes(&[rows, cols]), lanes, bindings);
        }
        self.emit(kernel, label, sizes(&[rows * cols]), act.constants(), bindings)
    }

    /// Passes of `col_sum` until one row is left.
    fn column_sum(&mut self, x: Value, y: Value, label: &str) -> Result<()> {
        let (_, cols) = self.graph.ty(x).rows_cols();
        self.sum_over_blocks(x, y, label, |lowering, from, sum| {
            lowering.sum_of_rows(label, from, [from.len / cols, cols], sum);
        })
    }

    /// A sum `y` over the rows of `x`, which `sum_of` takes of a part and puts into another; where no binding holds all rows,
    /// over blocks of them, whose sums are added in rising order.
    fn sum_over_blocks(
        &mut self,
        x: Value,
        y: Value,
        label: &str,
        sum_of: impl Fn(&mut Self, Part, Part),
    ) -> Result<()> {
        let (rows, cols) = self.graph.ty(x).rows_cols();
        let (from, to) = (self.slot(x)?, self.result(y));
        let to = self.whole(to);
        let blocks = self.row_blocks(label, from, [rows, cols])?;
        let mut sum = None;
        for (i, block) in blocks.iter().enumerate() {
            let from = Part { slot: from, first: block.start * cols, len: block.len() * cols };
            let one = if blocks.len() == 1 { to } else { self.block(format!("{label} part {i}"), 1, to.len) };
            sum_of(self, from, one);
            sum = Some(match sum {
                None => one,
                Some(before) => {
                    let last = i + 1 == blocks.len();
                    let total = if last { to } else { self.block(format!("{label} parts 0..={i}"), 1, to.len) };
                    self.push_add(label, before, one, total);
                    total
                }
            });
        }
        Ok(())
    }

    fn sum_of_rows(&mut self, label: &str, mut from: Part, [mut rows, cols]: [usize; 2], to: Part) {
        loop {
            let parts = rows.div_ceil(COL_SUM_ROWS);
            let sums = if parts == 1 { to } else { self.block(format!("{label}.partial"), parts, cols) };
            let args = Args { params: sizes(&[rows, cols, COL_SUM_ROWS]), constants: vec![] };
            self.push(Kernel::col_sum, label, args, vec![from, sums]);
            if parts == 1 {
                return;
            }
            (rows, from) = (parts, sums);
        }
    }

    fn loss(&mut self, node: usize, loss: Loss) -> Result<()> {
        let graph = self.graph;
        let n = &graph.nodes[node];
        let (rows, cols) = graph.ty(n.inputs[0]).rows_cols();
        let (pred, target) = (self.slot(n.inputs[0])?, self.slot(n.inputs[1])?);
        let each = self.result(Value { node, result: 0 });
        // Without a backward pass the kernel's second result goes nowhere; the upstream gradient is then the weights.
        let (upstream, gradient) = match self.fusion.loss.get(&node).copied() {
            Some(grad) => (graph.nodes[grad].inputs[2], self.result(Value { node: grad, result: 0 })),
            None => {
                let sum = graph.nodes.iter().find(|u| u.op == Op::WeightedSum && u.inputs[0].node == node);
                let Some(sum) = sum else {
                    return Err(unsupported(n, "a loss that is neither summed nor differentiated"));
                };
                (sum.inputs[1], self.scratch("unused loss gradient".into(), vec![rows, cols], Dtype::F32))
            }
        };
        let stride = self.stride(upstream);
        let bindings = vec![Slot::Fixed(self.step), pred, target, self.slot(upstream)?, each, gradient];
        let mut params = sizes(&[rows, cols, stride]);
        if let Loss::Huber { delta } = loss {
            params.push(Param::F(delta));
        }
        let constants = [("LANES", row_lanes(cols) as f64)].into_iter().chain(smoothing(loss)).collect();
        self.emit(loss_kernel(loss), &n.label, params, constants, bindings)?;
        Ok(())
    }

    /// Words that an invocation of an optimizer's step takes: as many as leave every core some workgroups, where an
    /// invocation costs more than its arithmetic.
    fn strip(&self, kernel: Kernel, len: usize) -> Constants {
        let able = self.options.extras.strips && self.options.products.direct && kernel.strips;
        let words = (len / (4 * 64 * STRIP_GROUPS)).clamp(1, MOST_WORDS);
        if able && words > 1 { vec![("WORDS", words as f64)] } else { vec![] }
    }

    /// The optimizer over whole arenas: the decayed part, then the rest, each in pieces that fit a binding.
    fn optimizer(&mut self, optimizer: Optimizer, hyper: Value) -> Result<()> {
        let find = |name: &str| self.arenas.iter().position(|a| a.name == name);
        let (Some(params), Some(grads)) = (find("params"), find("clipped").or(find("grads"))) else {
            return Err(Error::Internal("an optimizer without parameters or gradients".into()));
        };
        let states: Vec<usize> = (0..optimizer.state_slots()).filter_map(|s| find(&format!("state.{s}"))).collect();
        let hyper = self.slot(hyper)?;
        let (kernel, decay) = update_kernel(optimizer);
        let most = (self.options.limits.binding_elements() / ALIGN_ELEMENTS * ALIGN_ELEMENTS).max(ALIGN_ELEMENTS);
        let split = if decay == 0.0 { 0 } else { self.decayed };
        let cuts = [&self.params_cuts[..], &[split]].concat();
        for piece in blocks(self.params_len, most, &cuts) {
            let (offset, len) = (piece.start, piece.len());
            let decay = if offset < split { decay } else { 0.0 };
            let at = |arena: usize| Slot::Fixed(Range { arena, offset, len });
            let mut bindings = vec![Slot::Fixed(self.step), hyper, at(grads), at(params)];
            bindings.extend(states.iter().map(|s| at(*s)));
            let constants = self.strip(kernel, len);
            self.emit(kernel, "optimizer", update_params(optimizer, len, decay), constants, bindings)?;
        }
        Ok(())
    }
}

fn unsupported(node: &graph::Node, what: &str) -> Error {
    Error::Internal(format!("{} ({}): {what} has no lowering", node.label, node.op.name()))
}

fn sizes(sizes: &[usize]) -> Vec<Param> {
    sizes.iter().map(|s| Param::U(*s as u32)).collect()
}
