//! The constants of an optimizer at each step, and what it looks up of them.

use super::choice::Constant;
use super::{Optimizer, RmsProp, Schedule};

pub use crate::kernels::optimizer::HYPER_COLUMNS;

/// Name of the table of what an optimizer multiplies by at each step.
pub const HYPER: &str = "hyper";

impl Optimizer {
    /// The number of this key, if it has one.
    fn number(mut self, key: &str) -> Option<f64> {
        self.constants().into_iter().find(|(of, _)| *of == key).and_then(|(_, constant)| match constant {
            Constant::Number(value, _) => Some(*value),
            Constant::Flag(_) => None,
        })
    }

    /// Learning rate.
    pub fn lr(self) -> f64 {
        self.number("lr").unwrap_or(0.0)
    }

    /// The same with another learning rate.
    #[must_use]
    pub fn with_lr(mut self, rate: f64) -> Optimizer {
        for (key, constant) in self.constants() {
            if let ("lr", Constant::Number(lr, _)) = (key, constant) {
                *lr = rate;
            }
        }
        self
    }

    /// Its weight decay.
    pub(crate) fn weight_decay(self) -> f64 {
        self.number("weight_decay").unwrap_or(0.0)
    }

    /// The momentum, or beta1 in Adam and its kin and in Lion; `None` where there is neither.
    pub(crate) fn momentum(self) -> Option<f64> {
        self.number("momentum").or(self.number("beta1"))
    }

    /// As `schedule` needs it: where that cycles the momentum, sgd and rmsprop keep a velocity even if their own momentum is 0,
    /// as they do in PyTorch.
    ///
    /// # Errors
    /// What to do, in words, where the schedule cycles a momentum and there is none.
    pub fn under(mut self, schedule: &Schedule) -> std::result::Result<Optimizer, String> {
        let Some(cycle) = schedule.cycle() else { return Ok(self) };
        match &mut self {
            Optimizer::Sgd { momentum, .. } | Optimizer::RmsProp(RmsProp { momentum, .. }) if *momentum == 0.0 => {
                *momentum = cycle.max_momentum;
            }
            _ => {}
        }
        match self.momentum() {
            Some(_) => Ok(self),
            None => Err(format!(
                "schedule one_cycle cycles the momentum, and optimizer {} has none. Choose another optimizer, or write \
                 {{ one_cycle = {{ cycle_momentum = false }} }}",
                self.name()
            )),
        }
    }

    /// The row of the table `hyper` for step `t`, counted from 0.
    pub fn hyper(self, t: u64) -> [f64; HYPER_COLUMNS] {
        self.hyper_under(t, |_| None)
    }

    /// The same where `momentum` gives that of each step, counted from 0; `None` for the optimizer's own.
    pub(crate) fn hyper_under(self, t: u64, momentum: impl Fn(u64) -> Option<f64>) -> [f64; HYPER_COLUMNS] {
        let own = self.momentum().unwrap_or(0.0);
        self.row(t, |t| momentum(t).unwrap_or(own))
    }
}
