//! Learning-rate schedules: the rate of every optimizer step, known before the run.
//!
//! Policies and their formulas are those of `torch.optim.lr_scheduler`'s classes of the same name, in closed form. A policy
//! counts *units*, optimizer steps or epochs, as a program in PyTorch calls `scheduler.step()` after each of the one or the
//! other. Where PyTorch's class goes on beyond the end that it was given (the cosine rises again, one-cycle is an error),
//! the rate stays at what it was there.

use std::f64::consts::PI;

/// The learning rate over the steps of a run, as a change of the optimizer's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// What follows the warm-up.
    pub policy: Policy,
    /// Units in which the rate rises in a line to the one with which the policy begins; 0 for none. With it the schedule is
    /// PyTorch's `SequentialLR` of a `LinearLR` and the policy.
    pub warmup: u64,
    /// Share of that rate with which the warm-up begins; 1/3 by default, as in `LinearLR`.
    pub warmup_factor: f64,
    /// Optimizer steps of a unit: 1, or the steps of an epoch.
    pub unit_steps: u64,
}

/// How the rate goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Policy {
    /// The optimizer's rate throughout.
    Constant,
    /// `StepLR`: times `gamma` after every `step_size` units.
    Step {
        /// Units between two changes.
        step_size: u64,
        /// Factor of a change; 0.1 by default.
        gamma: f64,
    },
    /// `ExponentialLR`: times `gamma` after every unit.
    Exponential {
        /// Factor of a change.
        gamma: f64,
    },
    /// `LinearLR`: in a line from `start_factor` to `end_factor` times the rate.
    Linear {
        /// Factor at the beginning; 1 by default.
        start_factor: f64,
        /// Factor from the end on; 0 by default.
        end_factor: f64,
        /// Units; 0 for what is left of the run.
        length: u64,
    },
    /// `CosineAnnealingLR` (I. Loshchilov and F. Hutter, "SGDR", 2017, without restarts).
    Cosine {
        /// Rate at the end; 0 by default.
        eta_min: f64,
        /// Units; 0 for what is left of the run.
        length: u64,
    },
    /// `OneCycleLR`, whose greatest rate is the optimizer's; the momentum falls while the rate rises, and back.
    OneCycle(OneCycle),
    /// `ReduceLROnPlateau`: constant but for what [`Plateau`]'s owner makes of the epochs' losses.
    ReduceOnPlateau(Plateau),
}

/// Constants of one-cycle (L. N. Smith and N. Topin, "Super-Convergence", 2018); the defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneCycle {
    /// Share of the cycle in which the rate rises; 0.3 by default.
    pub pct_start: f64,
    /// Lines instead of halves of a cosine.
    pub linear: bool,
    /// The cycle begins with the greatest rate divided by this; 25 by default.
    pub div_factor: f64,
    /// It ends with the first rate divided by this; 10,000 by default.
    pub final_div_factor: f64,
    /// Back to the first rate as slowly as up, then on to the last one.
    pub three_phase: bool,
    /// The momentum goes from `max_momentum` to `base_momentum` while the rate rises, and back after; true by default. Adam
    /// and its kin, and Lion, have beta1 in its place.
    pub cycle_momentum: bool,
    /// The least momentum; 0.85 by default.
    pub base_momentum: f64,
    /// The greatest momentum; 0.95 by default.
    pub max_momentum: f64,
    /// Units; 0 for what is left of the run.
    pub length: u64,
}

impl OneCycle {
    /// PyTorch's constants, for what is left of the run.
    pub const DEFAULT: OneCycle = OneCycle {
        pct_start: 0.3,
        linear: false,
        div_factor: 25.0,
        final_div_factor: 1e4,
        three_phase: false,
        cycle_momentum: true,
        base_momentum: 0.85,
        max_momentum: 0.95,
        length: 0,
    };
}

/// Constants of reduce-on-plateau; the defaults are PyTorch's. A loss is to fall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// Factor of a reduction; 0.1 by default.
    pub factor: f64,
    /// Epochs without a better loss that are borne; 10 by default.
    pub patience: u32,
    /// By how much a loss must be better to count; 1e-4 by default.
    pub threshold: f64,
    /// The threshold is a difference instead of a share of the best loss.
    pub absolute: bool,
    /// Epochs after a reduction in which none is counted; 0 by default.
    pub cooldown: u32,
    /// The rate does not fall below; 0 by default.
    pub min_lr: f64,
    /// A smaller change of the rate is not made; 1e-8 by default.
    pub eps: f64,
}

impl Default for OneCycle {
    fn default() -> Self {
        OneCycle::DEFAULT
    }
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau { factor: 0.1, patience: 10, threshold: 1e-4, absolute: false, cooldown: 0, min_lr: 0.0, eps: 1e-8 }
    }
}

impl Policy {
    /// Every name that a spec may use.
    pub const NAMES: &[&str] =
        &["constant", "step", "exponential", "linear", "cosine", "one_cycle", "reduce_on_plateau"];

    /// The name that a spec uses.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Constant => "constant",
            Policy::Step { .. } => "step",
            Policy::Exponential { .. } => "exponential",
            Policy::Linear { .. } => "linear",
            Policy::Cosine { .. } => "cosine",
            Policy::OneCycle(_) => "one_cycle",
            Policy::ReduceOnPlateau(_) => "reduce_on_plateau",
        }
    }

    /// Units after which the policy has reached its end, where it has one; 0 for what is left of the run.
    pub fn length_mut(&mut self) -> Option<&mut u64> {
        match self {
            Policy::Linear { length, .. }
            | Policy::Cosine { length, .. }
            | Policy::OneCycle(OneCycle { length, .. }) => Some(length),
            _ => None,
        }
    }

    /// The rate after `t` units of a policy whose length is known.
    fn lr(&self, base: f64, t: u64) -> f64 {
        // powf, not powi: t may exceed i32 in a long run.
        let share = |length: u64| t.min(length) as f64 / length.max(1) as f64;
        match *self {
            Policy::Constant | Policy::ReduceOnPlateau(_) => base,
            Policy::Step { step_size, gamma } => base * gamma.powf((t / step_size.max(1)) as f64),
            Policy::Exponential { gamma } => base * gamma.powf(t as f64),
            Policy::Linear { start_factor, end_factor, length } => {
                base * (start_factor + (end_factor - start_factor) * share(length))
            }
            Policy::Cosine { eta_min, length } => eta_min + (base - eta_min) * (1.0 + (PI * share(length)).cos()) / 2.0,
            Policy::OneCycle(cycle) => cycle.lr(base, t),
        }
    }
}

impl OneCycle {
    fn lr(&self, max: f64, t: u64) -> f64 {
        let first = max / self.div_factor;
        self.between(t, first, max, first / self.final_div_factor)
    }

    fn momentum(&self, t: u64) -> f64 {
        self.between(t, self.max_momentum, self.base_momentum, self.max_momentum)
    }

    /// After `t` units, what goes from `first` to `peak` and on to `last`, by way of `first` in three phases.
    fn between(&self, t: u64, first: f64, peak: f64, last: f64) -> f64 {
        let total = self.length.max(1) as f64;
        let rise = self.pct_start * total;
        // Ends of the phases, with what is reached there, as PyTorch counts them.
        let three = [(rise - 1.0, peak), (2.0 * rise - 2.0, first), (total - 1.0, last)];
        let two = [(rise - 1.0, peak), (total - 1.0, last)];
        let phases: &[(f64, f64)] = if self.three_phase { &three } else { &two };
        let t = (t as f64).min(total - 1.0);
        let (mut start, mut from) = (0.0, first);
        for (i, &(end, to)) in phases.iter().enumerate() {
            if t <= end || i + 1 == phases.len() {
                // A phase without a length is over when it begins.
                let share = if end > start { (t - start) / (end - start) } else { 1.0 };
                return if self.linear {
                    from + (to - from) * share
                } else {
                    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
                };
            }
            (start, from) = (end, to);
        }
        last
    }
}

impl Schedule {
    /// The optimizer's rate throughout.
    pub const CONSTANT: Schedule = Schedule::steps(Policy::Constant);

    /// `policy` counted in optimizer steps, without warm-up.
    pub const fn steps(policy: Policy) -> Schedule {
        Schedule { policy, warmup: 0, warmup_factor: 1.0 / 3.0, unit_steps: 1 }
    }

    /// Cosine annealing to 0 within `length` optimizer steps.
    pub const fn cosine(length: u64) -> Schedule {
        Schedule::steps(Policy::Cosine { eta_min: 0.0, length })
    }

    /// One cycle of `length` optimizer steps with PyTorch's constants; the optimizer's rate is the greatest.
    pub const fn one_cycle(length: u64) -> Schedule {
        Schedule::steps(Policy::OneCycle(OneCycle { length, ..OneCycle::DEFAULT }))
    }

    /// The same behind a rise of `warmup` units.
    #[must_use]
    pub const fn warmup(self, warmup: u64) -> Schedule {
        Schedule { warmup, ..self }
    }

    /// The same with a unit of so many optimizer steps: those of an epoch.
    #[must_use]
    pub const fn every(self, unit_steps: u64) -> Schedule {
        Schedule { unit_steps, ..self }
    }

    /// The same for a run of `units` units: a length of 0 becomes what the warm-up leaves of them.
    #[must_use]
    pub fn over(mut self, units: u64) -> Schedule {
        let rest = units.saturating_sub(self.warmup).max(1);
        if let Some(length) = self.policy.length_mut().filter(|length| **length == 0) {
            *length = rest;
        }
        self
    }

    /// Whether the run's length decides the rates.
    pub fn follows_the_run(mut self) -> bool {
        self.policy.length_mut().is_some_and(|length| *length == 0)
    }

    /// The learning rate of optimizer step `t`, counted from 0, of an optimizer whose own is `base`.
    pub fn lr(&self, base: f64, t: u64) -> f64 {
        let unit = self.unit(t);
        if unit >= self.warmup {
            return self.policy.lr(base, unit - self.warmup);
        }
        let share = unit as f64 / self.warmup as f64;
        self.policy.lr(base, 0) * (self.warmup_factor + (1.0 - self.warmup_factor) * share)
    }

    /// The momentum of optimizer step `t`, counted from 0, where the schedule cycles it; in a warm-up, which has none of its own,
    /// that with which the policy begins.
    pub fn momentum(&self, t: u64) -> Option<f64> {
        self.cycle().map(|cycle| cycle.momentum(self.unit(t).saturating_sub(self.warmup)))
    }

    /// The cycle, where the schedule changes the momentum.
    pub(crate) fn cycle(&self) -> Option<&OneCycle> {
        match &self.policy {
            Policy::OneCycle(cycle) if cycle.cycle_momentum => Some(cycle),
            _ => None,
        }
    }

    fn unit(&self, t: u64) -> u64 {
        t / self.unit_steps.max(1)
    }
}
