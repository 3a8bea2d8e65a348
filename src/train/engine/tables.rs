//! What the engine writes into the tables: rows and weights, optimizer constants, counters of random numbers.

use super::{Engine, PREDICT, TRAIN};
use crate::data::rng::random_row;
use crate::error::Result;
use crate::graph::{COUNT, RANDOM};
use crate::train::tables::batch_tables;

impl Engine {
    /// Writes the optimizer's constants for `steps` steps, of which `first` were done before.
    pub(super) fn write_hyper(&mut self, plan: usize, steps: usize, first: u64) -> Result<()> {
        let Some((_, _, rule)) = self.roles.train else { return Ok(()) };
        let hyper: Vec<f64> = (0..steps as u64).flat_map(|s| rule.hyper(first + s)).collect();
        self.session.write(plan, "train.table.hyper", &hyper)
    }

    /// Writes the counters of the random numbers of `steps` steps, of which `first` were done before, where layers draw any.
    pub(super) fn write_random(&mut self, plan: usize, role: &str, steps: usize, first: u64) -> Result<()> {
        let name = format!("{role}.table.{RANDOM}");
        if self.session.plans()[plan].buffer(&name).is_none() {
            return Ok(());
        }
        let rows: Vec<u32> = (0..steps as u64).flat_map(|s| random_row(self.roles.seed, first + s)).collect();
        self.session.write_u32(plan, &name, &rows)
    }

    /// Fills the tables of training steps: `rows` in batches, and these in the parts that the rule asks for.
    /// `weights` are those of all rows, nothing where they count alike.
    pub(super) fn write_steps(&mut self, plan: usize, rows: &[u32], batch: usize, weights: &[f64]) -> Result<()> {
        let Some((_, _, rule)) = self.roles.train else { return Ok(()) };
        self.write_counts(plan, TRAIN, rows, batch)?;
        let tables = batch_tables(&rule, batch, rows, weights);
        for (name, values) in &tables.indices {
            self.session.write_u32(plan, &format!("{TRAIN}.table.{name}"), values)?;
        }
        tables.weights.iter().try_for_each(|(name, v)| self.session.write(plan, &format!("{TRAIN}.table.{name}"), v))
    }

    /// Writes how many samples each batch has, where a layer asks for it.
    fn write_counts(&mut self, plan: usize, role: &str, rows: &[u32], batch: usize) -> Result<()> {
        let name = format!("{role}.table.{COUNT}");
        if self.session.plans()[plan].buffer(&name).is_none() {
            return Ok(());
        }
        let counts: Vec<u32> = rows.chunks(batch).map(|part| part.len() as u32).collect();
        self.session.write_u32(plan, &name, &counts)
    }

    /// Fills the index and weight tables: `rows` in batches, each row with its share of the loss. The last batch is filled
    /// up with row 0 at weight 0, which contributes exactly nothing.
    pub(super) fn write_batches(
        &mut self,
        plan: usize,
        role: &str,
        rows: &[u32],
        batch: usize,
        mut shares: Vec<f64>,
    ) -> Result<()> {
        let padded = rows.len().next_multiple_of(batch);
        let mut index = rows.to_vec();
        index.resize(padded, 0);
        self.session.write_u32(plan, &format!("{role}.table.index"), &index)?;
        if role == PREDICT {
            return Ok(());
        }
        self.write_counts(plan, role, rows, batch)?;
        shares.resize(padded, 0.0);
        self.session.write(plan, &format!("{role}.table.weight"), &shares)
    }
}
