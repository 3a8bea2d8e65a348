//! `train.schedule`: how the learning rate goes.

use crate::error::Result;
use crate::graph::{OneCycle, Plateau, Policy, Schedule};
use std::fmt::Write;

use super::choice::Slot::{Count, Flag, Number, ShortCount, Word};
use super::choice::{Slots, choice, one_of, read_into, written};
use super::table::{NOT_NEGATIVE, Range, Source, Value, positive};

/// `train.schedule`: a policy, counted in optimizer steps or epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduleSpec {
    /// The policy and the warm-up, in units; a length of 0 is what the warm-up leaves of the run.
    pub schedule: Schedule,
    /// What is counted.
    pub unit: Unit,
}

/// What a schedule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Optimizer steps.
    Step,
    /// Epochs: the rate is the same in all steps of one.
    Epoch,
}

impl Unit {
    const NAMES: [&str; 2] = ["step", "epoch"];

    /// What programs in PyTorch count for a schedule of this policy, unless a spec says otherwise.
    fn of(policy: Policy) -> Unit {
        match policy {
            Policy::Step { .. } | Policy::Exponential { .. } => Unit::Epoch,
            _ => Unit::Step,
        }
    }

    fn name(self) -> &'static str {
        Unit::NAMES[self as usize]
    }
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        ScheduleSpec { schedule: Schedule::CONSTANT, unit: Unit::Step }
    }
}

impl ScheduleSpec {
    /// The schedule of a run of `epochs` epochs of `steps_per_epoch` optimizer steps.
    pub fn resolved(&self, steps_per_epoch: u64, epochs: u64) -> Schedule {
        match self.unit {
            Unit::Step => self.schedule.over(steps_per_epoch.saturating_mul(epochs)),
            Unit::Epoch => self.schedule.over(epochs).every(steps_per_epoch),
        }
    }

    /// The line of a spec; none for a constant rate.
    pub(super) fn write(&self, out: &mut String) -> std::fmt::Result {
        if *self == ScheduleSpec::default() {
            return Ok(());
        }
        let (mut schedule, policy, unit) = (self.schedule, self.schedule.policy, self.unit.name());
        let mut slots = slots(&mut schedule);
        if let Policy::OneCycle(_) = policy {
            // The text of a spec is part of a run's identity: the length has always been written behind the policy's others.
            slots[..ONE_CYCLE_KEYS].rotate_left(1);
        }
        writeln!(out, "schedule = {{ {} = {{ {}, unit = \"{unit}\" }} }}", policy.name(), written(slots))
    }
}

const ANNEAL: [&str; 2] = ["cos", "linear"];
const THRESHOLD: [&str; 2] = ["rel", "abs"];
const ONE_CYCLE_KEYS: usize = 9;
const FACTOR: Range = ("a finite number above 0, such as 0.1", positive);
const BELOW_ONE: Range = ("a number above 0 and below 1, such as 0.1", within_one);
/// Not 0, at which PyTorch's sgd and rmsprop leave the velocity as it is for a step.
const MOMENTUM: Range = ("a number above 0 and below 1, such as 0.85", within_one);
const AT_LEAST_ONE: Range = ("a finite number of at least 1", |v| v.is_finite() && v >= 1.0);
const SHARE: Range = ("a number of at least 0 and at most 1", |v| (0.0..=1.0).contains(&v));
const WARMUP: Range = ("a number of at least 0 and at most 1, such as 0.01", |v| (0.0..=1.0).contains(&v));

fn within_one(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

/// Reads `train.schedule`.
pub(super) fn schedule<'a>(source: &'a Source<'a>, value: &'a Value<'a>) -> Result<ScheduleSpec> {
    let choice = choice(source, "schedule", value, Policy::NAMES, "{ cosine = { warmup = 100 } }")?;
    let keys = &choice.parameters;
    let policy = match choice.name {
        "step" => {
            keys.require("step_size", "schedule = { step = { step_size = 10, gamma = 0.1 } }")?;
            Policy::Step { step_size: 1, gamma: 0.1 }
        }
        "exponential" => {
            keys.require("gamma", "schedule = { exponential = { gamma = 0.95 } }")?;
            Policy::Exponential { gamma: 1.0 }
        }
        "linear" => Policy::Linear { start_factor: 1.0, end_factor: 0.0, length: 0 },
        "cosine" => Policy::Cosine { eta_min: 0.0, length: 0 },
        "one_cycle" => Policy::OneCycle(OneCycle { length: 0, ..OneCycle::default() }),
        "reduce_on_plateau" => Policy::ReduceOnPlateau(Plateau::default()),
        _ => Policy::Constant,
    };
    let mut schedule = Schedule::steps(policy);
    read_into(keys, slots(&mut schedule))?;
    let unit = match one_of(keys, "unit", Unit::NAMES, Unit::of(policy).name())? {
        "epoch" => Unit::Epoch,
        _ => Unit::Step,
    };
    keys.finish()?;
    Ok(ScheduleSpec { schedule, unit })
}

/// The parameters of a schedule, in the order in which they are read and named.
fn slots(schedule: &mut Schedule) -> Slots<'_> {
    let Schedule { policy, warmup, warmup_factor, .. } = schedule;
    let mut slots = match policy {
        Policy::Constant => Vec::new(),
        Policy::Step { step_size, gamma } => {
            vec![("step_size", Count(step_size, 1)), ("gamma", Number(gamma, FACTOR))]
        }
        Policy::Exponential { gamma } => vec![("gamma", Number(gamma, FACTOR))],
        Policy::Linear { start_factor, end_factor, length } => vec![
            ("start_factor", Number(start_factor, NOT_NEGATIVE)),
            ("end_factor", Number(end_factor, NOT_NEGATIVE)),
            ("length", Count(length, 0)),
        ],
        Policy::Cosine { eta_min, length } => {
            vec![("eta_min", Number(eta_min, NOT_NEGATIVE)), ("length", Count(length, 0))]
        }
        Policy::OneCycle(cycle) => vec![
            ("length", Count(&mut cycle.length, 0)),
            ("pct_start", Number(&mut cycle.pct_start, SHARE)),
            ("anneal", Word(&mut cycle.linear, ANNEAL)),
            ("div_factor", Number(&mut cycle.div_factor, AT_LEAST_ONE)),
            ("final_div_factor", Number(&mut cycle.final_div_factor, AT_LEAST_ONE)),
            ("three_phase", Flag(&mut cycle.three_phase)),
            ("cycle_momentum", Flag(&mut cycle.cycle_momentum)),
            ("base_momentum", Number(&mut cycle.base_momentum, MOMENTUM)),
            ("max_momentum", Number(&mut cycle.max_momentum, MOMENTUM)),
        ],
        Policy::ReduceOnPlateau(plateau) => vec![
            ("factor", Number(&mut plateau.factor, BELOW_ONE)),
            ("patience", ShortCount(&mut plateau.patience)),
            ("threshold", Number(&mut plateau.threshold, NOT_NEGATIVE)),
            ("threshold_mode", Word(&mut plateau.absolute, THRESHOLD)),
            ("cooldown", ShortCount(&mut plateau.cooldown)),
            ("min_lr", Number(&mut plateau.min_lr, NOT_NEGATIVE)),
            ("eps", Number(&mut plateau.eps, NOT_NEGATIVE)),
        ],
    };
    slots.extend([("warmup", Count(warmup, 0)), ("warmup_factor", Number(warmup_factor, WARMUP))]);
    slots
}
