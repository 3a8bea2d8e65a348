//! Samples that stream through the engine: training, evaluation and prediction in pieces.
//!
//! While the device works on a piece, threads get the next ones ready ([`Feed`]), and the next one is written as soon as the
//! last steps of the piece are submitted, not when they are done. A write to the queue lands after everything that was
//! submitted before and ahead of what is submitted next, so that one data arena is enough: a second one would hold samples
//! that the queue, which runs copies and steps in turn, does not let arrive earlier.

use super::{EVALUATE, Engine, PREDICT, TRAIN};
use crate::data::{Dataset, RowTargets};
use crate::error::{Error, Result};
use crate::exec::Flow;
use crate::graph::Role;
use crate::nn::{Samples, index_table_name};
use crate::train::inputs::Steps;
use crate::train::samples::{Order, SampleSet, THREADS};
use crate::train::tables::shares_of_steps;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

impl Engine {
    /// Puts a training set in place: on the device, or ready to stream.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub fn set_training_set(&mut self, set: &SampleSet) -> Result<()> {
        match (set.memory(), &mut self.streamed) {
            (Some(rows), None) => {
                self.weights = Arc::from(&rows.weights[..]);
                return self.write_rows(TRAIN, 0, &rows.x, rows.row_targets());
            }
            (Some(rows), Some(streamed)) => *streamed = Arc::clone(rows),
            // What lies in a file is read when it is trained on.
            (None, Some(_)) => {}
            (None, None) => return Err(Error::Internal("the engine was not opened for samples in a file".into())),
        }
        Ok(())
    }

    /// Trains the steps `steps` of the order `order` of `set`, as far as it has so many. `first` is the number of optimizer
    /// steps done before.
    /// Losses go to `sink` as they come. Returns how many steps ran.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`]; [`Error::Io`] where samples cannot be read.
    pub async fn train_set(
        &mut self,
        set: &SampleSet,
        order: &Order,
        steps: Range<usize>,
        first: u64,
        sink: &mut dyn FnMut(&[f64]) -> Flow,
    ) -> Result<usize> {
        match (order, &self.streamed) {
            (Order::Rows(rows), None) => {
                let batch = self.batch()?;
                let end = rows.len().min(steps.end.saturating_mul(batch));
                self.train(&rows[end.min(steps.start * batch)..end], first, sink).await
            }
            _ => self.train_streamed(set, order, steps, first, sink).await,
        }
    }

    /// [`Engine::train_set`] with samples that are written while the device works.
    pub(super) async fn train_streamed(
        &mut self,
        set: &SampleSet,
        order: &Order,
        steps: Range<usize>,
        first: u64,
        sink: &mut dyn FnMut(&[f64]) -> Flow,
    ) -> Result<usize> {
        let (plan, batch) = (self.plan(TRAIN)?, self.batch()?);
        let room = self.room(TRAIN)?.min(self.session.plans()[plan].steps * batch);
        let (mut feed, mut at) = set.feed_on(THREADS, order, steps.start * batch, room);
        let mut left = steps.len();
        let mut done = 0;
        self.nonfinite = None;
        let flow = Cell::new(Flow::Continue);
        let mut relay = |losses: &[f64]| {
            if sink(losses) == Flow::Stop {
                flow.set(Flow::Stop);
            }
            flow.get()
        };
        let result = loop {
            let begin = Instant::now();
            let next = feed.take();
            self.data_ns += begin.elapsed().as_nanos() as u64;
            let rows = match next {
                Ok(Some(rows)) => rows,
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            };
            while at < rows.rows && left > 0 && flow.get() == Flow::Continue {
                let count = room.min(rows.rows - at).min(left.saturating_mul(batch));
                left -= count.div_ceil(batch);
                self.write_piece(&rows, at, count, first + done as u64)?;
                done += self.session.start(plan, count.div_ceil(batch), &mut relay).await?;
                at += count;
                if self.session.nonfinite().is_some() {
                    flow.set(Flow::Stop);
                }
            }
            at = 0;
            feed.give_back(rows);
            if flow.get() == Flow::Stop || left == 0 {
                break Ok(());
            }
        };
        // Also after a failure: the losses of what was submitted must not turn up in a later run.
        self.session.drain(&mut relay).await?;
        self.nonfinite = self.session.nonfinite();
        result.map(|()| done)
    }

    /// Writes `count` rows of a piece and the tables of their steps.
    fn write_piece(&mut self, rows: &Dataset<f32>, at: usize, count: usize, first: u64) -> Result<()> {
        let begin = Instant::now();
        let (x, targets) = rows.part(at..at + count);
        self.write_rows(TRAIN, 0, x, targets)?;
        let identity: Vec<u32> = (0..count as u32).collect();
        self.write_steps(&identity, first, rows.weights.get(at..at + count).unwrap_or_default())?;
        self.tables_ns += begin.elapsed().as_nanos() as u64;
        Ok(())
    }

    /// Fills the tables of training steps: `rows` in batches, after `first` steps. `weights` are those of all rows, nothing where
    /// they count alike.
    pub(super) fn write_steps(&mut self, rows: &[u32], first: u64, weights: &[f64]) -> Result<()> {
        let Some((_, batch, rule)) = self.roles.train else { return Ok(()) };
        let shares = shares_of_steps(batch, rows, weights);
        let parts = rule.parts(batch);
        let steps = Steps { rule: Some(&rule), batch, parts, rows, shares: &shares, seed: self.roles.seed, first };
        let plan = self.plan(TRAIN)?;
        steps.fill(&mut (&mut self.session, plan))
    }

    /// Fills the tables of steps that only look: `rows` in batches, each with its share of the loss.
    pub(super) fn write_batches(&mut self, role: &str, rows: &[u32], batch: usize, shares: &[f64]) -> Result<()> {
        let steps = Steps { rule: None, batch, parts: (batch, 1), rows, shares, seed: self.roles.seed, first: 0 };
        let plan = self.plan(role)?;
        steps.fill(&mut (&mut self.session, plan))
    }

    /// Puts the samples of [`Engine::evaluate_set`] in place: on the device where they fit.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`]; [`Error::Io`] where samples cannot be read.
    pub fn set_evaluation_set(&mut self, set: &SampleSet) -> Result<()> {
        self.evaluated = Some(set.clone());
        let room = self.room(EVALUATE)?;
        set.memory().filter(|rows| rows.rows <= room).map_or(Ok(()), |rows| self.write_forward(EVALUATE, rows))
    }

    /// The mean loss on the samples of [`Engine::set_evaluation_set`]; `take` gets the predictions, rows x outputs, with their
    /// targets, piece by piece.
    ///
    /// # Errors
    /// As [`Engine::set_evaluation_set`].
    pub async fn evaluate_set(&mut self, take: &mut dyn FnMut(&[f64], RowTargets<'_>)) -> Result<f64> {
        let Some(set) = self.evaluated.clone() else { return Err(Error::Internal("nothing to evaluate".into())) };
        let room = self.room(EVALUATE)?;
        if let Some(rows) = set.memory().filter(|rows| rows.rows <= room) {
            let (loss, predictions) = self.forward_loss(rows.rows).await?;
            take(&predictions, rows.row_targets());
            return Ok(loss);
        }
        let mut feed = set.in_order(room);
        let mut loss = 0.0;
        while let Some(rows) = feed.take()? {
            let (part, predictions) = self.evaluate_rows(&rows).await?;
            // Exactly the part where there is but one.
            loss += part * (rows.rows as f64 / set.rows as f64);
            take(&predictions, rows.row_targets());
            feed.give_back(rows);
        }
        Ok(loss)
    }

    /// The mean loss on `rows`, at most as many as the engine was opened for, and their predictions, rows x outputs.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn evaluate_rows(&mut self, rows: &Dataset<f32>) -> Result<(f64, Vec<f64>)> {
        self.write_forward(EVALUATE, rows)?;
        self.forward_loss(rows.rows).await
    }

    /// Predictions for the features of `rows`, at most as many as the engine was opened for.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn predict_rows(&mut self, rows: &Dataset<f32>) -> Result<Vec<f64>> {
        self.write_forward(PREDICT, rows)?;
        self.forward(PREDICT, rows.rows).await
    }

    /// Predictions for the features of `data`.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub async fn predict(&mut self, data: &Dataset) -> Result<Vec<f64>> {
        let plan = self.plan(PREDICT)?;
        let room = self.room(PREDICT)?.max(1);
        let mut predictions = Vec::with_capacity(data.rows * self.network.outputs());
        for first in (0..data.rows).step_by(room) {
            let count = room.min(data.rows - first);
            let inputs = self.network.inputs();
            // From f64, so that the judge sees what was given.
            self.session.write(plan, Samples::x(PREDICT), &data.x[first * inputs..(first + count) * inputs])?;
            self.write_forward_tables(PREDICT, count)?;
            predictions.extend(self.forward(PREDICT, count).await?);
        }
        Ok(predictions)
    }

    /// Samples and tables for one pass over `rows`, in their order.
    fn write_forward(&mut self, role: &str, rows: &Dataset<f32>) -> Result<()> {
        self.write_rows(role, 0, &rows.x, rows.row_targets())?;
        self.write_forward_tables(role, rows.rows)
    }

    /// The tables for one pass over `rows` rows, in their order.
    fn write_forward_tables(&mut self, role: &str, rows: usize) -> Result<()> {
        let order: Vec<u32> = (0..rows as u32).collect();
        // What is only measured is measured on all rows alike.
        self.write_batches(role, &order, self.step_rows(self.plan(role)?), &vec![1.0 / rows as f64; rows])
    }

    /// Rows of a step of a plan.
    fn step_rows(&self, plan: usize) -> usize {
        let table = self.session.plans()[plan].buffer(Role::Table(index_table_name(0)));
        table.map_or(1, |b| b.shape.iter().product())
    }

    /// Mean loss and predictions of the `rows` rows that are in place for evaluation.
    async fn forward_loss(&mut self, rows: usize) -> Result<(f64, Vec<f64>)> {
        let predictions = self.forward(EVALUATE, rows).await?;
        let plan = self.plan(EVALUATE)?;
        let losses = self.session.read(plan, Role::Loss).await?;
        Ok((losses[..rows.div_ceil(self.step_rows(plan))].iter().sum(), predictions))
    }

    /// Predictions for the `rows` rows that are in place in the plan `role`.
    async fn forward(&mut self, role: &str, rows: usize) -> Result<Vec<f64>> {
        let plan = self.plan(role)?;
        let steps = rows.div_ceil(self.step_rows(plan));
        let mut predictions = self.session.run_collect(plan, steps, Role::Prediction).await?;
        predictions.truncate(rows * self.network.outputs());
        Ok(predictions)
    }
}
