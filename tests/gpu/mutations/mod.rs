//! Small mutations of the shaders: what a slip of the hand, a wrong index or a forgotten barrier looks like.
//!
//! Each is one exact text of one file and its replacement, tried on one kernel that contains the file. The test of the
//! tests asks which of them are noticed.

mod activation;
mod clip;
mod elementwise;
mod layer;
mod ledger;
mod loss;
mod math;
mod optimizer;
mod product;
pub mod record;
mod row;

use wgrad::kernels::{Kernel, Tiling};

/// What becomes of a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The check fails.
    Caught,
    /// The check passes on every adapter, for this reason.
    Survives(&'static str),
    /// What the text means is left open (a race, a built-in at the edge of its range): the check passes on adapters
    /// whose name contains one of these, and fails on the other adapter of the two that are known.
    Open(&'static [&'static str], &'static str),
}

/// One mutation.
#[derive(Debug, Clone, Copy)]
pub struct Mutation {
    /// The kernel that is built with it.
    pub kernel: &'static str,
    /// For a matrix product, how it works.
    pub tiling: Tiling,
    /// The file below `shaders/`.
    pub file: &'static str,
    /// The text, which occurs once in the kernel's complete source.
    pub from: &'static str,
    /// Its replacement.
    pub to: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// In the place of a file: text that is made from the rows of the activations.
const MADE: &str = "activations";
/// Why a missing barrier may go unnoticed. On the two known adapters each is noticed.
const RACE: &str = "a race: invocations that run in lockstep may not show it";

const fn m(kernel: &'static str, file: &'static str, from: &'static str, to: &'static str) -> Mutation {
    Mutation { kernel, tiling: Tiling::Tile, file, from, to, fate: Fate::Caught }
}

impl Mutation {
    /// The same text in the product by subgroups.
    const fn broadcast(self) -> Mutation {
        Mutation { tiling: Tiling::Broadcast, ..self }
    }

    const fn survives(self, reason: &'static str) -> Mutation {
        Mutation { fate: Fate::Survives(reason), ..self }
    }

    const fn open(self, survives_on: &'static [&'static str], reason: &'static str) -> Mutation {
        Mutation { fate: Fate::Open(survives_on, reason), ..self }
    }

    /// The kernel that is built with it.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn kernel(&self) -> Kernel {
        Kernel::by_name(self.kernel).unwrap_or_else(|| panic!("there is no kernel {}", self.kernel))
    }

    /// The complete mutated WGSL.
    ///
    /// # Errors
    /// If the list has rotted: the text is not in the file, or not exactly once in the kernel.
    pub fn source(&self) -> Result<String, String> {
        let path = format!("{}/shaders/{}", env!("CARGO_MANIFEST_DIR"), self.file);
        let file = match self.file {
            MADE => String::new(),
            _ => std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?,
        };
        let source = self.kernel().source_with(self.tiling);
        if self.file != MADE && !file.contains(self.from) {
            return Err(format!("{}: the text {:?} is not in the file", self.file, self.from));
        }
        match source.matches(self.from).count() {
            1 => Ok(source.replace(self.from, self.to)),
            n => Err(format!("{:?} occurs {n} times in the source of {}", self.from, self.kernel)),
        }
    }

    /// Its identifier, which people can read: where it is, and the text with its replacement.
    pub fn describe(&self) -> String {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} ({}): `{}` -> `{}`", self.file, self.kernel, line(self.from), line(self.to))
    }
}

/// Every mutation, by files.
pub fn all() -> Vec<Mutation> {
    let parts = [
        elementwise::MUTATIONS,
        activation::MUTATIONS,
        math::MUTATIONS,
        loss::MUTATIONS,
        row::MUTATIONS,
        layer::MUTATIONS,
        product::MUTATIONS,
        clip::MUTATIONS,
        optimizer::MUTATIONS,
    ];
    parts.concat()
}
