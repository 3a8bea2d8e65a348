//! All that turns gradients into new parameters, beside the network: clipping, optimizer and learning-rate schedule.

use super::optimizer::HYPER_COLUMNS;
use super::{Clip, Optimizer, Schedule};

/// How a train step changes the parameters. An [`Optimizer`] alone is a rule with a constant learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdateRule {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// How its learning rate goes.
    pub schedule: Schedule,
    /// How gradients are clipped before the optimizer takes them, if at all.
    pub clip: Option<Clip>,
}

impl From<Optimizer> for UpdateRule {
    fn from(optimizer: Optimizer) -> Self {
        UpdateRule { optimizer, schedule: Schedule::CONSTANT, clip: None }
    }
}

impl UpdateRule {
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
        self.optimizer.with_lr(self.lr(t)).hyper(t)
    }
}
