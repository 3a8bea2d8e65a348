//! Replaying one train step with every value kept: which operation made the first number that is not finite.
//!
//! A [`Bundle`] holds a step's inputs. [`replay`] runs it as a plan without fusion, so that every operation of the network
//! has values of its own, reads all of them, and looks through the operations in the order in which they ran: at fault is
//! the first whose operands are all finite and whose result is not.

mod bundle;
mod operand;

pub use bundle::{Bundle, Origin};
pub use operand::{Operand, short};

use crate::compare::number;
use crate::error::Result;
use crate::exec::memory::check_host_memory;
use crate::exec::{Device, Flow, Session};
use crate::kernels::{Access, Binding, Dtype};
use crate::nn::Samples;
use crate::optim::HYPER;
use crate::plan::{Buffer, Dispatch, Options, Plan, Range, Role, lower};
use crate::train::engine::{check_tensors, read_arenas};
use crate::train::inputs::{Inputs, Steps, fill_samples};
use serde::Serialize;

/// One value of the step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Number of the dispatch that wrote it; none for what the bundle holds.
    pub dispatch: Option<usize>,
    /// The kernel that wrote it, or `bundle`.
    pub kernel: String,
    /// forward, loss, backward, optimizer, or bundle.
    pub phase: &'static str,
    /// Name of the value.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How many of its numbers are NaN.
    pub nan: usize,
    /// How many are infinite.
    pub infinite: usize,
    /// The smallest finite number; NaN where there is none.
    #[serde(with = "number")]
    pub min: f64,
    /// The largest finite number.
    #[serde(with = "number")]
    pub max: f64,
}

/// The operation that made the first number that is not finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Culprit {
    /// Number of the dispatch.
    pub dispatch: usize,
    /// Its kernel.
    pub kernel: String,
    /// forward, loss, backward or optimizer.
    pub phase: &'static str,
    /// The part of the network that it computes.
    pub label: String,
    /// Name of the value.
    pub value: String,
    /// Position of the first such element.
    pub element: Vec<usize>,
    /// What it is.
    #[serde(with = "number")]
    pub made: f64,
    /// What it was made from.
    pub operands: Vec<Operand>,
}

impl std::fmt::Display for Culprit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Culprit { phase, label, kernel, value, element, made, .. } = self;
        write!(f, "the first op at fault is {label} ({kernel}, {phase}): it made {made} at {element:?} of {value}")?;
        let operands: Vec<String> = self.operands.iter().map(Operand::to_string).collect();
        if operands.is_empty() { Ok(()) } else { write!(f, " from {}", operands.join(", ")) }
    }
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// The device.
    pub device: String,
    /// The loss of the step.
    #[serde(with = "number")]
    pub loss: f64,
    /// Every value: those of the bundle, then those of the step in the order of its dispatches.
    pub nodes: Vec<Node>,
    /// The operation at fault, if any made a number that is not finite from finite ones.
    pub culprit: Option<Culprit>,
}

impl Replay {
    /// True if some value of the step, or of the bundle, is not finite.
    pub fn reproduced(&self) -> bool {
        self.nodes.iter().any(|n| n.nan + n.infinite > 0)
    }
}

/// Runs the step of `bundle` on `device`, without fusion.
///
/// # Errors
/// [`crate::Error::Limit`] for a step that the device cannot hold; [`crate::Error::Gpu`], [`crate::Error::Device`], [`crate::Error::DeviceLost`].
pub async fn replay(bundle: &Bundle, device: &Device) -> Result<Replay> {
    let plan = plan(bundle, device)?;
    let mut session = Session::open(device, vec![plan]).await?;
    write(&mut session, bundle)?;
    let before = read_arenas(&mut session, 0).await?;
    session.run(0, 1, &mut |_| Flow::Continue).await?;
    let after = read_arenas(&mut session, 0).await?;
    let held = Held { plan: &session.plans()[0], before, after };
    Ok(held.examine(device.name()))
}

/// The step's plan: a value of its own for every operation.
fn plan(bundle: &Bundle, device: &Device) -> Result<Plan> {
    let (network, batch) = (&bundle.network, bundle.batch());
    // What a layer leaves for a batch is no part of the file, and may be far larger.
    let widths = network.layers.iter().map(|l| 4 * l.outputs as u128).sum::<u128>();
    let states: u128 = bundle.states.iter().map(|t| 4 * t.values.len() as u128).sum();
    let need = 2 * network.parameter_bytes() + states + 4 * widths * batch as u128;
    check_host_memory("the step", 2 * need)?;
    let limits = device.limits();
    check_tensors(&limits, device.name(), network, batch)?;
    let graph = network.train_graph(Samples { name: "train", rows: batch, batch }, bundle.spec.train.rule(batch))?;
    let products = device.products();
    lower(&graph, &Options { fuse: false, keep_all: true, limits, products, ..Options::new("train", 1) })
}

/// Puts into place what the bundle gives.
fn write(session: &mut Session, bundle: &Bundle) -> Result<()> {
    let (batch, rule) = (bundle.batch(), bundle.spec.train.rule(bundle.batch()));
    let rows: Vec<u32> = (0..bundle.rows as u32).collect();
    let shares = &bundle.weights[..bundle.rows];
    // Steps count from 1 for people.
    let (seed, first) = (bundle.spec.train.seed, bundle.origin.step.saturating_sub(1));
    let mut into = (&mut *session, 0);
    Steps { rule: None, batch, parts: rule.parts(batch), rows: &rows, shares, seed, first }.fill(&mut into)?;
    into.numbers(&Role::Table(HYPER.into()), &bundle.hyper)?;
    fill_samples(&mut into, "train", &bundle.x, &bundle.targets)?;
    bundle.parameters.iter().chain(&bundle.states).try_for_each(|t| session.write(0, &t.name, &t.values))
}

/// What a device held around the step.
struct Held<'a> {
    plan: &'a Plan,
    before: Vec<Vec<f64>>,
    after: Vec<Vec<f64>>,
}

/// The bindings of a dispatch with what they are bound to.
fn bound(dispatch: &Dispatch) -> impl Iterator<Item = (&'static Binding, &Range)> {
    dispatch.kernel.bindings.iter().zip(&dispatch.bindings)
}

/// The numbers of a range.
fn part(arenas: &[Vec<f64>], range: Range) -> &[f64] {
    &arenas[range.arena][range.offset..range.offset + range.len]
}

impl Held<'_> {
    fn examine(&self, device: &str) -> Replay {
        let mut nodes: Vec<Node> = self.inputs().map(|b| self.node(None, b, part(&self.before, b.range))).collect();
        let mut culprit = None;
        for (i, dispatch) in self.plan.dispatches.iter().enumerate() {
            let fed = culprit.is_none() && self.read(i).all(|values| values.iter().all(|v| v.is_finite()));
            let written = bound(dispatch).filter(|(b, r)| b.access != Access::Read && self.is_number(r));
            for (_, &range) in written {
                for (buffer, block) in self.named(range) {
                    let values = part(&self.after, block);
                    nodes.push(self.node(Some(i), buffer, values));
                    let at = values.iter().position(|v| !v.is_finite());
                    if let (true, None, Some(at)) = (fed, &culprit, at) {
                        culprit = Some(self.culprit(i, buffer, range, block.offset + at));
                    }
                }
            }
        }
        let loss = self.plan.buffer(Role::Loss).map_or(f64::NAN, |b| part(&self.after, b.range)[0]);
        Replay { device: device.to_string(), loss, nodes, culprit }
    }

    /// Whether a range holds numbers. A gather copies words, whatever they are: the arena knows.
    fn is_number(&self, range: &Range) -> bool {
        self.plan.arenas[range.arena].dtype == Dtype::F32
    }

    /// What the bundle gives: data, tables, parameters and states.
    fn inputs(&self) -> impl Iterator<Item = &Buffer> {
        let computed = move |range: Range| {
            let writes = |d: &Dispatch| bound(d).any(|(b, r)| b.access == Access::Write && r.meets(range));
            self.plan.dispatches.iter().any(writes)
        };
        let given = move |b: &&Buffer| self.is_number(&b.range) && !computed(b.range);
        self.plan.buffers.iter().filter(move |b| b.role != Role::Loss && given(b))
    }

    /// The numbers that dispatch number `i` reads.
    fn read(&self, i: usize) -> impl Iterator<Item = &[f64]> {
        let reads =
            move |(b, r): &(&Binding, &Range)| self.is_number(r) && b.access != Access::Write && b.name != "log";
        bound(&self.plan.dispatches[i]).filter(reads).map(move |(_, r)| self.seen(i, *r))
    }

    /// What dispatch number `i` finds in a range: parameters and states as they were, until they are updated.
    fn seen(&self, i: usize, range: Range) -> &[f64] {
        part(if self.plan.is_yet_to_update(i, range) { &self.before } else { &self.after }, range)
    }

    /// The named values that a written range holds, or parts of them where they are divided into blocks; a binding that
    /// exists only to be bound is none.
    fn named(&self, range: Range) -> impl Iterator<Item = (&Buffer, Range)> {
        let common = move |b: &Buffer| {
            let offset = b.range.offset.max(range.offset);
            let end = (b.range.offset + b.range.len).min(range.offset + range.len);
            Range { offset, len: end.saturating_sub(offset), ..range }
        };
        let here = self.plan.buffers.iter().filter(move |b| b.range.meets(range) && b.role != Role::Unused);
        here.map(move |b| (b, common(b)))
    }

    fn node(&self, dispatch: Option<usize>, buffer: &Buffer, values: &[f64]) -> Node {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        Node {
            dispatch,
            kernel: dispatch.map_or("bundle", |i| self.plan.dispatches[i].kernel.name).to_string(),
            phase: dispatch.map_or("bundle", |i| self.phase(i)),
            name: buffer.name.clone(),
            shape: buffer.shape.clone(),
            nan: values.iter().filter(|v| v.is_nan()).count(),
            infinite: values.iter().filter(|v| v.is_infinite()).count(),
            min: finite().fold(f64::NAN, f64::min),
            max: finite().fold(f64::NAN, f64::max),
        }
    }

    /// Which part of the step a dispatch belongs to: losses are told by what they bind, and what comes before the first
    /// is the forward pass.
    fn phase(&self, dispatch: usize) -> &'static str {
        let binds = |i: usize, name: &str| self.plan.dispatches[i].kernel.bindings.iter().any(|b| b.name == name);
        if binds(dispatch, "hyper") {
            "optimizer"
        } else if binds(dispatch, "upstream") || binds(dispatch, "log") {
            "loss"
        } else if (0..dispatch).any(|i| binds(i, "upstream")) {
            "backward"
        } else {
            "forward"
        }
    }

    /// Element `at` of an arena, which lies in `buffer` and was written by dispatch number `i` with the rest of `range`.
    fn culprit(&self, i: usize, buffer: &Buffer, range: Range, at: usize) -> Culprit {
        let dispatch = &self.plan.dispatches[i];
        Culprit {
            dispatch: i,
            kernel: dispatch.kernel.name.to_string(),
            phase: self.phase(i),
            label: dispatch.label.clone(),
            value: buffer.name.clone(),
            element: operand::position(&buffer.shape, at - buffer.range.offset),
            made: self.after[range.arena][at],
            operands: self.operands(i, range, at - range.offset),
        }
    }
}

/// What [`crate::Error::NonFinite`] says of a step whose bundle lies at `path`.
pub fn cause(bundle: &Bundle, replay: &Replay, path: &std::path::Path) -> String {
    let Origin { step, epoch, .. } = bundle.origin;
    let what = match &replay.culprit {
        Some(culprit) => format!("In step {step} (epoch {epoch}) {culprit}. "),
        None if replay.reproduced() => format!("Step {step} (epoch {epoch}) begins with numbers that are not finite. "),
        None => format!("Step {step} (epoch {epoch}) leaves the finite numbers only as the run computes it, fused. "),
    };
    format!("{what}The step is kept: `wgrad replay {}` shows every value. ", path.display())
}
