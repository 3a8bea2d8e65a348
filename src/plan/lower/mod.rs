//! Lowering: a graph to a plan. Operations say which launches compute them; here these get places.

mod cut;
mod finish;
mod guard;
mod join;
mod places;

pub use finish::fold_grid;

use super::{Arena, Buffer, Holds, Lifetime, Limits, Plan, Products, Range, Role};
use crate::error::{Error, Result};
use crate::graph::launch::Scratch;
use crate::graph::{Bind, Dtype, Graph, Launch, Launches, Op, Operand, Operation, Place, TensorType, Value};
use crate::kernels::{Access, Args, Kernel, Param};
use crate::passes::fuse::{Extras, fuse};
use crate::target::Target;
use crate::target::tuning::Table;
use cut::Part;
use std::collections::HashMap;
use std::sync::Arc;

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

    fn target(&self) -> Target {
        let strips = self.extras.strips && self.products.direct;
        Target { limits: self.limits, products: self.products, tuned: self.tuned.clone(), strips }
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
    if plan.whole.is_some() || options.extras == Extras::default() {
        return Ok(plan);
    }
    Ok(separate(graph, options)?.0)
}

/// The plan with a dispatch for each launch, and whether anything was larger than a binding.
pub(super) fn separate(graph: &Graph, options: &Options) -> Result<(Plan, bool)> {
    let target = options.target();
    let mut fused = graph.clone();
    fuse(&mut fused, &target, options.fuse, options.extras)?;
    let live = fused.live();
    let mut lowering = Lowering::new(&fused, options, &target);
    lowering.place_sources(&live);
    lowering.place_parameters()?;
    lowering.place_running();
    for node in (0..fused.nodes.len()).filter(|n| live[*n]) {
        lowering.node(node)?;
    }
    lowering.join();
    let divided = lowering.divided;
    Ok((lowering.finish()?, divided))
}

/// A place that is known, or a tensor that the memory pass will place.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Fixed(Range),
    Scratch(usize),
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
    target: &'a Target,
    arenas: Vec<Arena>,
    /// Tensors for the memory pass.
    scratch: Vec<Scratch>,
    slots: HashMap<Value, Slot>,
    /// What outlives the step; for how long each is live is known at the end.
    fixed: Vec<Buffer>,
    drafts: Vec<Draft>,
    /// Launches of neighbouring nodes that may be computed together.
    joining: Vec<Draft>,
    /// The launch that moves the step counter on; it comes last, for whatever reads a table must have run.
    last: Option<Draft>,
    /// The step counter; every table is indexed by it.
    step: Range,
    params_len: usize,
    /// Where the parameters' arena goes on in another buffer; gradients and states have the same offsets.
    params_cuts: Vec<usize>,
    /// Whether any dispatch was cut, joined ones apart.
    divided: bool,
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a Graph, options: &'a Options, target: &'a Target) -> Self {
        let mut lowering = Lowering {
            graph,
            options,
            target,
            arenas: Vec::new(),
            scratch: Vec::new(),
            slots: HashMap::new(),
            fixed: Vec::new(),
            drafts: Vec::new(),
            joining: Vec::new(),
            last: None,
            step: Range { arena: 0, offset: 0, len: 1 },
            params_len: 0,
            params_cuts: Vec::new(),
            divided: false,
        };
        lowering.arena(format!("{}.step", options.name), Dtype::U32, 1, Lifetime::Plan, Holds::Counter);
        lowering
    }

    /// Adds an arena and gives its index.
    fn arena(&mut self, name: String, dtype: Dtype, len: usize, lifetime: Lifetime, holds: Holds) -> usize {
        self.arenas.push(Arena::new(name, dtype, len, lifetime, holds));
        self.arenas.len() - 1
    }

    /// Gives a value a place that outlives the step.
    fn fix(&mut self, value: Value, role: Role, name: String, shape: Vec<usize>, range: Range) -> Slot {
        self.slots.insert(value, Slot::Fixed(range));
        self.fixed.push(Buffer { role, name, shape, range, live: (0, 0) });
        Slot::Fixed(range)
    }

    /// The place of an operand.
    fn slot(&self, value: Value) -> Result<Slot> {
        self.slots
            .get(&value)
            .copied()
            .ok_or_else(|| Error::Internal(format!("{value} was used before it had a place")))
    }

    /// A place for a result: the one that is fixed for it, the log, or a scratch tensor.
    fn result(&mut self, value: Value) -> Slot {
        if let Some(slot) = self.slots.get(&value) {
            return *slot;
        }
        let ty = self.graph.ty(value);
        let output = self.graph.outputs.iter().find(|(_, v)| *v == value).map(|(role, _)| role.clone());
        let (role, name) = match output {
            Some(role) => (role.clone(), role.to_string()),
            None => (Role::Scratch, format!("{value} {}", self.graph.nodes[value.node].label_of(value.result))),
        };
        if ty.stepped {
            let len = self.options.steps * ty.len();
            let arena = self.arena(format!("{}.log", self.options.name), ty.dtype, len, Lifetime::Plan, Holds::Tables);
            let log = Range { arena, offset: 0, len };
            return self.fix(value, role, name, vec![len], log);
        }
        let slot = self.scratch(Scratch { role, name, shape: ty.shape.clone(), dtype: ty.dtype });
        self.slots.insert(value, slot);
        slot
    }

    /// Adds a tensor that the memory pass places.
    fn scratch(&mut self, tensor: Scratch) -> Slot {
        self.scratch.push(tensor);
        Slot::Scratch(self.scratch.len() - 1)
    }

    /// Gives the results of a node their places and adds its launches.
    fn node(&mut self, node: usize) -> Result<()> {
        let graph = self.graph;
        let n = &graph.nodes[node];
        let Op::Apply(operation) = &n.op else { return Ok(()) };
        if !operation.joins() {
            self.join();
        }
        let mut operands = Vec::with_capacity(n.inputs.len());
        for (i, value) in n.inputs.iter().enumerate() {
            operands.push(self.operand(operation.as_ref(), i, *value, &n.label)?);
        }
        for (result, operand) in operation.in_place() {
            self.slots.insert(Value { node, result }, operands[operand].1);
        }
        let results: Vec<Slot> = (0..n.results.len()).map(|result| self.result(Value { node, result })).collect();
        let typed = |ty: &TensorType, slot: Slot| Operand { ty: ty.clone(), cuts: self.cuts(slot) };
        let inputs: Vec<Operand> = operands.iter().map(|(ty, slot)| typed(ty, *slot)).collect();
        let outputs: Vec<Operand> = n.results.iter().zip(&results).map(|(ty, slot)| typed(ty, *slot)).collect();
        let mut out = Launches::new(&n.label, inputs, outputs, self.target);
        operation.launches(&mut out)?;
        self.divided |= out.divided;
        let scratch = out.scratch.into_iter().map(|s| self.scratch(s)).collect();
        let operands = operands.into_iter().map(|(_, slot)| slot).collect();
        let places = Places { label: n.label.clone(), operands, results, scratch };
        for launch in out.list {
            self.launch(operation.joins(), launch, &places)?;
        }
        Ok(())
    }

    /// Type and place of an operand; the row of a table that the operation does not read by itself is copied.
    fn operand(
        &mut self,
        operation: &dyn Operation,
        i: usize,
        value: Value,
        label: &str,
    ) -> Result<(TensorType, Slot)> {
        let (ty, slot) = (self.graph.ty(value).clone(), self.slot(value)?);
        if !ty.stepped || operation.reads_tables(i) {
            return Ok((ty, slot));
        }
        let ty = ty.stepped(false);
        let (name, shape) = (format!("{label} row of {value}"), ty.shape.clone());
        let row = self.scratch(Scratch { role: Role::Scratch, name, shape, dtype: ty.dtype });
        // Row number `step` of the table, the counter being the index.
        let params = [1, ty.len(), 0].map(|size| Param::U(size as u32)).to_vec();
        let step = Slot::Fixed(self.step);
        let bindings = [step, step, slot, row].map(|slot| self.whole(slot)).to_vec();
        let words = vec![("VEC", f64::from(ty.len().is_multiple_of(4)))];
        self.emit(Kernel::gather_rows, label, Args { params, constants: words }, bindings)?;
        Ok((ty, row))
    }

    /// Adds a launch whose places are those of a node.
    fn launch(&mut self, joins: bool, launch: Launch, places: &Places) -> Result<()> {
        let Launch { kernel, mut args, binds, label, distance } = launch;
        let label = label.unwrap_or_else(|| places.label.clone());
        let bindings = binds.iter().map(|bind| self.part(bind, places)).collect::<Result<Vec<Part>>>()?;
        if let Some((param, from, to)) = distance {
            let span = self.span(places.operands[from], places.operands[to], &label)?;
            let behind = self.whole(places.operands[to]).len;
            args.params[param] = Param::U((span.len - behind) as u32);
        }
        let counts = |(bind, binding): (&Bind, &crate::kernels::Binding)| {
            bind.place == Place::Step && binding.access == Access::Update
        };
        if binds.iter().zip(kernel.bindings).any(counts) {
            if self.last.is_some() {
                return Err(Error::Internal(format!("{label}: two operations move the step counter on")));
            }
            self.last = Some(Draft { kernel, label, args, bindings });
        } else if joins {
            self.joining.push(Draft { kernel, label, args, bindings });
        } else {
            self.emit(kernel, &label, args, bindings)?;
        }
        Ok(())
    }

    /// The elements that a binding sees.
    fn part(&mut self, bind: &Bind, places: &Places) -> Result<Part> {
        let slot = match bind.place {
            Place::Operand(i) => places.operands[i],
            Place::Result(i) => places.results[i],
            Place::Scratch(i) => places.scratch[i],
            Place::Span(from, to) => {
                Slot::Fixed(self.span(places.operands[from], places.operands[to], &places.label)?)
            }
            Place::Step => Slot::Fixed(self.step),
            Place::Unused => {
                let name = format!("unused by {}", places.label);
                self.scratch(Scratch { role: Role::Unused, name, shape: vec![1], dtype: Dtype::F32 })
            }
        };
        let whole = self.whole(slot);
        Ok(Part { first: bind.first, len: bind.len.unwrap_or(whole.len), ..whole })
    }

    /// The range from the start of one place to the end of another behind it.
    fn span(&self, from: Slot, to: Slot, label: &str) -> Result<Range> {
        match (from, to) {
            (Slot::Fixed(a), Slot::Fixed(b)) if a.arena == b.arena && a.offset + a.len <= b.offset => {
                Ok(Range { len: b.offset + b.len - a.offset, ..a })
            }
            _ => Err(Error::Internal(format!("{label}: two operands do not lie one behind the other"))),
        }
    }
}

/// Where the operands, results and scratch of a node lie.
struct Places {
    label: String,
    operands: Vec<Slot>,
    results: Vec<Slot>,
    scratch: Vec<Slot>,
}
