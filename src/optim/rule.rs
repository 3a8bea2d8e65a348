//! All that turns gradients into new parameters, beside the network: clipping, optimizer and learning-rate schedule.

use super::hyper::HYPER_COLUMNS;
use super::{Optimizer, Schedule};

/// How gradients are kept from being too large. Formulas are those of `torch.nn.utils`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clip {
    /// `clip_grad_norm_`: all gradients times `min(1, max / (norm + 1e-6))`, with the norm of all of them together.
    Norm(f64),
    /// `clip_grad_value_`: every number between `-limit` and `limit`.
    Value(f64),
}

impl Clip {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] = &["norm", "value"];
}

/// How a train step changes the parameters. An [`Optimizer`] alone is a rule with a constant learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdateRule {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// How its learning rate goes.
    pub schedule: Schedule,
    /// How gradients are clipped before the optimizer takes them, if at all.
    pub clip: Option<Clip>,
    /// Parts in which a step's batch goes through the network, one after the other; their gradients are added. 1 for all of
    /// it at once.
    pub accumulate: usize,
}

impl From<Optimizer> for UpdateRule {
    fn from(optimizer: Optimizer) -> Self {
        UpdateRule { optimizer, schedule: Schedule::CONSTANT, clip: None, accumulate: 1 }
    }
}

impl UpdateRule {
    /// Rows of each part of a batch of `batch` rows, and the number of parts. The last part may have rows to spare.
    pub fn parts(&self, batch: usize) -> (usize, usize) {
        let rows = batch.div_ceil(self.accumulate.max(1)).max(1);
        (rows, batch.div_ceil(rows).max(1))
    }

    /// The learning rate of step `t`, counted from 0.
    pub fn lr(&self, t: u64) -> f64 {
        self.schedule.lr(self.optimizer.lr(), t)
    }

    /// The same rule with another learning rate under its schedule.
    #[must_use]
    pub fn with_lr(self, lr: f64) -> UpdateRule {
        UpdateRule { optimizer: self.optimizer.with_lr(lr), ..self }
    }

    /// The row of the table `hyper` for step `t`, counted from 0.
    pub fn hyper(&self, t: u64) -> [f64; HYPER_COLUMNS] {
        self.optimizer.with_lr(self.lr(t)).hyper_under(t, |t| self.schedule.momentum(t))
    }
}
