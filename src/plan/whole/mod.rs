//! Whole train steps in one dispatch of one workgroup, for networks so small that dispatches cost more than the work.
//!
//! A dispatch costs tens of microseconds on a software rasteriser and some microseconds on hardware; a barrier inside a
//! workgroup costs a fraction of that. [`apply`] looks at a lowered plan: if its dispatches are the train step of a chain of
//! dense layers and `cost` says that it pays, the plan is made anew with all memory in one arena (`merge`) and with the
//! step as a list of instructions (`chain`) for the shader `whole_steps.wgsl`. The plan keeps its dispatches: they say what
//! each instruction computes, and verification holds every value of the step against them.

mod chain;
pub mod cost;
mod merge;

#[cfg(feature = "testing")]
pub use chain::{CODE_WORDS, HEADER_WORDS, MAX_INSTRUCTIONS};
pub use cost::{Cost, Spread};

use super::lower::{Options, separate};
use super::{Plan, Range};
use crate::error::Result;
use crate::graph::Graph;
use crate::kernels::{Tiling, loss, shader};

/// The shader of whole steps.
pub const WGSL: &str = include_str!("../../../shaders/whole_steps.wgsl");

/// Names of the shader's storage bindings, from binding 1 on, in order; and whether they are written.
pub const BINDINGS: [(&str, bool); 8] = [
    ("words", true),
    ("index", false),
    ("data_x", false),
    ("data_target", false),
    ("hyper", false),
    ("weight", false),
    ("log", true),
    ("memory", true),
];

/// The train step as one dispatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The uniform `program` word by word, numbers by their bits: [`HEADER_WORDS`], then [`CODE_WORDS`] an instruction. The
    /// first two words, steps of a dispatch and the step to stop at, are the executor's.
    pub program: Vec<u32>,
    /// `override` constants of the shader.
    pub constants: Vec<(&'static str, f64)>,
    /// Storage bindings, in the order of [`BINDINGS`].
    pub bindings: [Range; 8],
    /// Steps of a dispatch at most; see `cost::MAX_ITERATIONS`.
    pub steps: u32,
    /// What the choice was made from.
    pub cost: Cost,
}

impl Whole {
    /// The complete WGSL text.
    pub fn source() -> String {
        shader::expand(WGSL, &loss::whole_wgsl(), Tiling::default())
    }

    /// Invocations of the workgroup.
    pub fn workgroup(&self) -> u32 {
        self.constants.iter().find(|(n, _)| *n == "WORKGROUP").map_or(0, |(_, v)| *v as u32)
    }
}

/// `plan` with its steps in one dispatch, where that is possible and pays; else as it is.
///
/// # Errors
/// As [`super::lower()`].
pub fn apply(graph: &Graph, options: &Options, plan: Plan) -> Result<Plan> {
    let Some(chain) = chain::read(&plan) else { return Ok(plan) };
    let (spread, cost) = cost::estimate(&plan, &chain, options);
    if cost.whole_ns >= cost.separate_ns {
        return Ok(plan);
    }
    // Every value has a place of its own, because the instructions run in another order than the dispatches.
    let (kept, _) = separate(graph, &Options { keep_all: true, ..options.clone() })?;
    let merged = merge::merge(kept);
    // The merged arena is one binding.
    if merged.arenas.iter().any(|a| a.len > options.limits.binding_elements()) {
        return Ok(plan);
    }
    let whole = chain::read(&merged).and_then(|chain| chain.program(&merged, spread, cost));
    Ok(if whole.is_some() { Plan { whole, ..merged } } else { plan })
}
