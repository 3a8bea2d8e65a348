//! A plan: one train step (or forward pass) as plain data that an executor runs many times over.
//!
//! [`lower()`] turns a graph into dispatches over virtual buffers, `memory` gives every
//! buffer a place in an arena. A plan knows kernels, sizes and places; no device, no graph, no pointer.

mod check;
pub(crate) mod lower;
pub(crate) mod memory;
mod print;
mod switches;
pub(crate) mod whole;

pub use crate::graph::Role;
pub use crate::passes::fuse::Extras;
pub use crate::target::{ALIGN_ELEMENTS, Limits, Products, tuning};
pub use lower::{Options, lower};
pub use switches::Switches;
pub use whole::Whole;

use crate::error::{Error, Result};
use crate::kernels::{Access, Args, Dtype, Kernel};

/// How long an arena's contents matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// From step to step, shared by name among the plans of a session: parameters, gradients, states, data.
    Persistent,
    /// From step to step, of this plan alone: tables, log, step counter.
    Plan,
    /// Within a step.
    Step,
}

/// What an arena holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The step counter, by which tables are indexed.
    Counter,
    /// A data set.
    Data,
    /// A table, or the log.
    Tables,
    /// Trainable tensors.
    Parameters,
    /// What a step changes beside parameters and states: running statistics.
    Running,
    /// Gradients, or clipped ones.
    Gradients,
    /// An optimizer state of each parameter.
    States,
    /// Values within a step.
    Scratch,
    /// The word that tells of numbers that are not finite.
    Guard,
}

/// One allocation on the device. Buffers are ranges of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arena {
    /// Unique among the plans of a session, but for persistent arenas, which plans share.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Number of elements.
    pub len: usize,
    /// How long the contents matter.
    pub lifetime: Lifetime,
    /// What it is for.
    pub holds: Holds,
    /// Elements at which another buffer of the device begins, rising: an arena larger than a buffer lies in several.
    /// Multiples of [`ALIGN_ELEMENTS`]; no binding reaches across one.
    pub cuts: Vec<usize>,
    /// Elements of other arenas that became part of this one, by what they hold.
    pub joined: Vec<(Holds, usize)>,
}

impl Arena {
    /// An arena in one buffer.
    pub fn new(name: impl Into<String>, dtype: Dtype, len: usize, lifetime: Lifetime, holds: Holds) -> Arena {
        Arena { name: name.into(), dtype, len, lifetime, holds, cuts: Vec::new(), joined: Vec::new() }
    }

    /// First element and end of each of its buffers.
    pub fn buffers(&self) -> impl Iterator<Item = (usize, usize)> {
        buffers(&self.cuts, self.len)
    }
}

/// First element and end of each part of `len` elements that `cuts` divide.
pub fn buffers(cuts: &[usize], len: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts.zip(cuts.iter().copied().chain([len]))
}

/// A range of an arena, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Index of the arena in the plan.
    pub arena: usize,
    /// First element.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

impl Range {
    /// Whether both have an element in common.
    pub fn meets(self, other: Range) -> bool {
        self.arena == other.arena && self.offset < other.offset + other.len && other.offset < self.offset + self.len
    }
}

/// A tensor's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// What it is for, by which it is found.
    pub role: Role,
    /// Name of the value for people: a parameter's, `grad.<parameter>`, `pred`, or the label of the node that computes it.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Where it lies.
    pub range: Range,
    /// First and last dispatch that touch it; the whole step for what outlives it.
    pub live: (usize, usize),
}

/// One kernel launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: Kernel,
    /// Which part of the network it computes.
    pub label: String,
    /// Parameters and override constants.
    pub args: Args,
    /// Storage bindings in the row's order.
    pub bindings: Vec<Range>,
    /// Workgroups along x, y, z.
    pub grid: [u32; 3],
}

/// A step as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Prefix of the plan's own arenas: `train`, `eval`.
    pub name: String,
    /// Rows of the tables and of the log: how many steps may run between two uploads of tables.
    pub steps: usize,
    /// Allocations.
    pub arenas: Vec<Arena>,
    /// Every tensor's place.
    pub buffers: Vec<Buffer>,
    /// Launches of one step, in order.
    pub dispatches: Vec<Dispatch>,
    /// Launches that end a submit, after any number of steps: they set the buffer [`Role::NonFinite`] to 1 where a parameter or an
    /// optimizer state is NaN or an infinity. None in a plan that does not train.
    pub guard: Vec<Dispatch>,
    /// The same steps, many of them in one dispatch. The arenas of such a plan are merged, so that it runs in no other way.
    pub whole: Option<Whole>,
}

impl Plan {
    /// The buffer of a role.
    pub fn buffer(&self, role: impl Into<Role>) -> Option<&Buffer> {
        let role = role.into();
        self.buffers.iter().find(|b| b.role == role)
    }

    /// The place of the buffer of a role.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is no such buffer.
    pub(crate) fn range(&self, role: impl Into<Role>) -> Result<Range> {
        let role = role.into();
        let found = self.buffer(&role).map(|b| b.range);
        found.ok_or_else(|| Error::Internal(format!("plan {} has no buffer {role}", self.name)))
    }

    /// Whether dispatch number `i` finds in a range what it held before the step: it is updated by this dispatch or a later one, if by
    /// any. What is updated earlier is as the step leaves it, for it is updated once.
    pub fn is_yet_to_update(&self, i: usize, range: Range) -> bool {
        let updates = |d: &Dispatch| {
            let pairs = d.kernel.bindings.iter().zip(&d.bindings);
            pairs.into_iter().any(|(b, r)| b.access == Access::Update && r.meets(range))
        };
        self.dispatches[i..].iter().any(updates)
    }

    /// The launches of a step, and those that end a submit.
    pub fn launches(&self) -> impl Iterator<Item = &Dispatch> {
        self.dispatches.iter().chain(&self.guard)
    }

    /// Memory of all arenas, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.arenas.iter().map(|a| 4 * a.len as u64).sum()
    }

    /// Floating-point operations of one step.
    pub fn flops(&self) -> u64 {
        self.dispatches.iter().map(|d| (d.kernel.flops)(&d.args)).sum()
    }

    /// Bytes that one step must move.
    pub fn traffic_bytes(&self) -> u64 {
        self.dispatches.iter().map(|d| (d.kernel.bytes)(&d.args)).sum()
    }
}
