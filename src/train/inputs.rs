//! What steps read, put where a plan has room for it: the one place that knows which tables there are.

use super::tables::divided;
use crate::data::Targets;
use crate::data::rng::random_row;
use crate::error::Result;
use crate::exec::Session;
use crate::exec::analysis::Analysis;
use crate::graph::{COUNT, RANDOM, Role, UpdateRule};
use crate::model::Samples;
use crate::optim::HYPER;

/// Something that holds the inputs of a plan's steps.
pub trait Inputs {
    /// Whether the plan has a tensor of this role.
    fn has(&self, role: &Role) -> bool;

    /// Writes numbers to its start.
    ///
    /// # Errors
    /// What keeps them from being written.
    fn numbers(&mut self, role: &Role, values: &[f64]) -> Result<()>;

    /// Writes indices to its start.
    ///
    /// # Errors
    /// What keeps them from being written.
    fn words(&mut self, role: &Role, values: &[u32]) -> Result<()>;
}

/// One plan of a session.
impl Inputs for (&mut Session, usize) {
    fn has(&self, role: &Role) -> bool {
        self.0.plans()[self.1].buffer(role).is_some()
    }

    fn numbers(&mut self, role: &Role, values: &[f64]) -> Result<()> {
        self.0.write(self.1, role, values)
    }

    fn words(&mut self, role: &Role, values: &[u32]) -> Result<()> {
        self.0.write_u32(self.1, role, values)
    }
}

impl Inputs for Analysis {
    fn has(&self, role: &Role) -> bool {
        self.plan().buffer(role).is_some()
    }

    fn numbers(&mut self, role: &Role, values: &[f64]) -> Result<()> {
        self.write(role, values, None)
    }

    fn words(&mut self, role: &Role, values: &[u32]) -> Result<()> {
        self.write(role, &values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), None)
    }
}

/// Inputs as a device holds them: in `f32`.
pub struct Rounded<'a>(pub &'a mut Analysis);

impl Inputs for Rounded<'_> {
    fn has(&self, role: &Role) -> bool {
        self.0.has(role)
    }

    fn numbers(&mut self, role: &Role, values: &[f64]) -> Result<()> {
        self.0.numbers(role, &values.iter().map(|v| f64::from(*v as f32)).collect::<Vec<_>>())
    }

    fn words(&mut self, role: &Role, values: &[u32]) -> Result<()> {
        self.0.words(role, values)
    }
}

/// Some steps of a plan.
pub struct Steps<'a> {
    /// The update rule; none for a plan that does not train, or whose constants are given otherwise.
    pub rule: Option<&'a UpdateRule>,
    /// Rows of a step, and the parts that they go through the network in: their rows and number.
    pub batch: usize,
    /// See [`UpdateRule::parts`].
    pub parts: (usize, usize),
    /// The rows of the data set, `batch` of them a step. A last step that is not full is filled up.
    pub rows: &'a [u32],
    /// What each of them counts in its step's loss.
    pub shares: &'a [f64],
    /// Decides what layers draw at random.
    pub seed: u64,
    /// Optimizer steps that were done before.
    pub first: u64,
}

impl Steps<'_> {
    /// Fills those tables that the plan has.
    ///
    /// # Errors
    /// What keeps a table from being written.
    pub fn fill(&self, into: &mut impl Inputs) -> Result<()> {
        let steps = || (0..self.rows.len().div_ceil(self.batch) as u64).map(|step| self.first + step);
        let table = |name: &str| Role::Table(name.into());
        if let Some(rule) = self.rule {
            into.numbers(&table(HYPER), &steps().flat_map(|t| rule.hyper(t)).collect::<Vec<_>>())?;
        }
        if into.has(&table(RANDOM)) {
            into.words(&table(RANDOM), &steps().flat_map(|t| random_row(self.seed, t)).collect::<Vec<_>>())?;
        }
        if into.has(&table(COUNT)) {
            let counts: Vec<u32> = self.rows.chunks(self.batch).map(|step| step.len() as u32).collect();
            into.words(&table(COUNT), &counts)?;
        }
        let tables = divided(self.parts, self.batch, self.rows, self.shares);
        for (name, indices) in tables.indices {
            into.words(&Role::Table(name), &indices)?;
        }
        for (name, weights) in tables.weights {
            let role = Role::Table(name);
            if into.has(&role) {
                into.numbers(&role, &weights)?;
            }
        }
        Ok(())
    }
}

/// Writes a data set.
///
/// # Errors
/// What keeps it from being written.
pub fn fill_samples(into: &mut impl Inputs, name: &str, x: &[f64], targets: &Targets) -> Result<()> {
    into.numbers(&Samples::x(name), x)?;
    match targets {
        Targets::Classes(classes) => into.words(&Samples::target(name), classes),
        Targets::Numbers { values, .. } => into.numbers(&Samples::target(name), values),
    }
}
