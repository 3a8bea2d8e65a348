//! Reduce-on-plateau: what the losses of a run's epochs make of its learning rate. The state is part of a checkpoint.

use crate::graph::Plateau;
use serde::{Deserialize, Serialize};

/// What is known of the epochs so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// The best loss so far.
    pub best: Option<f64>,
    /// Epochs since then that were not better.
    pub bad_epochs: u32,
    /// Epochs of cooling down that are left.
    pub cooldown: u32,
    /// The learning rate; the optimizer's own until the first reduction.
    pub lr: Option<f64>,
}

impl PlateauState {
    /// Takes in an epoch's loss; `base` is the optimizer's own rate. A loss that is no number is not better. The steps are
    /// those of `torch.optim.lr_scheduler.ReduceLROnPlateau.step`.
    pub fn take(&mut self, rule: &Plateau, base: f64, loss: f64) {
        let limit = match (self.best, rule.absolute) {
            (None, _) => f64::INFINITY,
            (Some(best), false) => best * (1.0 - rule.threshold),
            (Some(best), true) => best - rule.threshold,
        };
        if loss < limit {
            self.best = Some(loss);
            self.bad_epochs = 0;
        } else {
            self.bad_epochs = self.bad_epochs.saturating_add(1);
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad_epochs = 0;
        }
        if self.bad_epochs <= rule.patience {
            return;
        }
        let lr = self.lr.unwrap_or(base);
        let reduced = (lr * rule.factor).max(rule.min_lr);
        if lr - reduced > rule.eps {
            self.lr = Some(reduced);
        }
        self.cooldown = rule.cooldown;
        self.bad_epochs = 0;
    }
}
