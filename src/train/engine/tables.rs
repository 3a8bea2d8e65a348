//! What the engine writes into the tables.

use super::Engine;
use crate::error::Result;
use crate::train::inputs::Steps;
use crate::train::tables::shares_of_steps;

impl Engine {
    /// Fills the tables of training steps: `rows` in batches, after `first` steps. `weights` are those of all rows, nothing where
    /// they count alike.
    pub(super) fn write_steps(&mut self, plan: usize, rows: &[u32], first: u64, weights: &[f64]) -> Result<()> {
        let Some((_, batch, rule)) = self.roles.train else { return Ok(()) };
        let shares = shares_of_steps(batch, rows, weights);
        let parts = rule.parts(batch);
        let steps = Steps { rule: Some(&rule), batch, parts, rows, shares: &shares, seed: self.roles.seed, first };
        steps.fill(&mut (&mut self.session, plan))
    }

    /// Fills the tables of steps that only look: `rows` in batches, each with its share of the loss.
    pub(super) fn write_batches(&mut self, plan: usize, rows: &[u32], batch: usize, shares: &[f64]) -> Result<()> {
        let steps = Steps { rule: None, batch, parts: (batch, 1), rows, shares, seed: self.roles.seed, first: 0 };
        steps.fill(&mut (&mut self.session, plan))
    }
}
