//! `train.schedule`: how the learning rate goes.

use crate::error::Result;
use crate::graph::{OneCycle, Plateau, Schedule, Shape};
use std::fmt::Write;
use toml::de::DeTable;

use super::choice::{choice, positive};
use super::table::{Source, Table, Value};
use super::write::float;

/// `train.schedule`: a shape, counted in optimizer steps or epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduleSpec {
    /// The shape and the warm-up, in units; a length of 0 is what the warm-up leaves of the run.
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

    /// What programs in PyTorch count for a schedule of this shape, unless a spec says otherwise.
    fn of(shape: Shape) -> Unit {
        match shape {
            Shape::Step { .. } | Shape::Exponential { .. } => Unit::Epoch,
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
        let Schedule { shape, warmup, warmup_factor, .. } = self.schedule;
        write!(out, "schedule = {{ {} = {{ ", shape.name())?;
        match shape {
            Shape::Constant => {}
            Shape::Step { step_size, gamma } => write!(out, "step_size = {step_size}, gamma = {}, ", float(gamma))?,
            Shape::Exponential { gamma } => write!(out, "gamma = {}, ", float(gamma))?,
            Shape::Linear { start_factor, end_factor, length } => {
                let (start, end) = (float(start_factor), float(end_factor));
                write!(out, "start_factor = {start}, end_factor = {end}, length = {length}, ")?;
            }
            Shape::Cosine { eta_min, length } => write!(out, "eta_min = {}, length = {length}, ", float(eta_min))?,
            Shape::OneCycle(c) => {
                let anneal = ANNEAL[usize::from(c.linear)];
                let (pct, div, last) = (float(c.pct_start), float(c.div_factor), float(c.final_div_factor));
                write!(
                    out,
                    "pct_start = {pct}, anneal = \"{anneal}\", div_factor = {div}, final_div_factor = {last}, "
                )?;
                write!(out, "three_phase = {}, cycle_momentum = {}, ", c.three_phase, c.cycle_momentum)?;
                let (base, max) = (float(c.base_momentum), float(c.max_momentum));
                write!(out, "base_momentum = {base}, max_momentum = {max}, length = {}, ", c.length)?;
            }
            Shape::ReduceOnPlateau(p) => {
                let mode = THRESHOLD[usize::from(p.absolute)];
                write!(
                    out,
                    "factor = {}, patience = {}, threshold = {}, ",
                    float(p.factor),
                    p.patience,
                    float(p.threshold)
                )?;
                write!(out, "threshold_mode = \"{mode}\", cooldown = {}, ", p.cooldown)?;
                write!(out, "min_lr = {}, eps = {}, ", float(p.min_lr), float(p.eps))?;
            }
        }
        let unit = self.unit.name();
        writeln!(out, "warmup = {warmup}, warmup_factor = {}, unit = \"{unit}\" }} }}", float(warmup_factor))
    }
}

const ANNEAL: [&str; 2] = ["cos", "linear"];
const THRESHOLD: [&str; 2] = ["rel", "abs"];
const FACTOR: &str = "a finite number above 0, such as 0.1";
const MOMENTUM: &str = "a number above 0 and below 1, such as 0.85";
const NOT_NEGATIVE: &str = "a finite number of at least 0";

/// Reads `train.schedule`.
pub(super) fn schedule<'a>(
    source: &'a Source<'a>,
    value: &'a Value<'a>,
    empty: &'a DeTable<'a>,
) -> Result<ScheduleSpec> {
    let choice = choice(source, "schedule", value, Shape::NAMES, "{ cosine = { warmup = 100 } }", empty)?;
    let keys = &choice.parameters;
    let length = || keys.size_or_zero("length", 0).map(|length| length as u64);
    let shape = match choice.name {
        "step" => {
            keys.require("step_size", "schedule = { step = { step_size = 10, gamma = 0.1 } }")?;
            let step_size = keys.size("step_size", 1)? as u64;
            Shape::Step { step_size, gamma: keys.number("gamma", 0.1, FACTOR, positive)? }
        }
        "exponential" => {
            keys.require("gamma", "schedule = { exponential = { gamma = 0.95 } }")?;
            Shape::Exponential { gamma: keys.number("gamma", 1.0, FACTOR, positive)? }
        }
        "linear" => Shape::Linear {
            start_factor: keys.number("start_factor", 1.0, NOT_NEGATIVE, not_negative)?,
            end_factor: keys.number("end_factor", 0.0, NOT_NEGATIVE, not_negative)?,
            length: length()?,
        },
        "cosine" => {
            Shape::Cosine { eta_min: keys.number("eta_min", 0.0, NOT_NEGATIVE, not_negative)?, length: length()? }
        }
        "one_cycle" => Shape::OneCycle(OneCycle { length: length()?, ..one_cycle(keys)? }),
        "reduce_on_plateau" => Shape::ReduceOnPlateau(plateau(keys)?),
        _ => Shape::Constant,
    };
    let mut schedule = Schedule::steps(shape).warmup(keys.size_or_zero("warmup", 0)? as u64);
    let range = "a number of at least 0 and at most 1, such as 0.01";
    schedule.warmup_factor =
        keys.number("warmup_factor", schedule.warmup_factor, range, |v| (0.0..=1.0).contains(&v))?;
    let unit = match one_of(keys, "unit", Unit::NAMES, Unit::of(shape).name())? {
        "epoch" => Unit::Epoch,
        _ => Unit::Step,
    };
    keys.finish()?;
    Ok(ScheduleSpec { schedule, unit })
}

fn one_cycle(keys: &Table<'_>) -> Result<OneCycle> {
    let default = OneCycle::default();
    let at_least_one = "a finite number of at least 1";
    Ok(OneCycle {
        pct_start: keys.number("pct_start", default.pct_start, "a number of at least 0 and at most 1", |v| {
            (0.0..=1.0).contains(&v)
        })?,
        linear: one_of(keys, "anneal", ANNEAL, ANNEAL[0])? == ANNEAL[1],
        div_factor: keys.number("div_factor", default.div_factor, at_least_one, |v| v.is_finite() && v >= 1.0)?,
        final_div_factor: keys
            .number("final_div_factor", default.final_div_factor, at_least_one, |v| v.is_finite() && v >= 1.0)?,
        three_phase: keys.flag("three_phase", default.three_phase)?,
        cycle_momentum: keys.flag("cycle_momentum", default.cycle_momentum)?,
        base_momentum: keys.number("base_momentum", default.base_momentum, MOMENTUM, momentum)?,
        max_momentum: keys.number("max_momentum", default.max_momentum, MOMENTUM, momentum)?,
        length: 0,
    })
}

fn plateau(keys: &Table<'_>) -> Result<Plateau> {
    let default = Plateau::default();
    let below_one = "a number above 0 and below 1, such as 0.1";
    Ok(Plateau {
        factor: keys.number("factor", default.factor, below_one, |v| v > 0.0 && v < 1.0)?,
        patience: keys.size_or_zero("patience", default.patience as usize)? as u32,
        threshold: keys.number("threshold", default.threshold, NOT_NEGATIVE, not_negative)?,
        absolute: one_of(keys, "threshold_mode", THRESHOLD, THRESHOLD[0])? == THRESHOLD[1],
        cooldown: keys.size_or_zero("cooldown", default.cooldown as usize)? as u32,
        min_lr: keys.number("min_lr", default.min_lr, NOT_NEGATIVE, not_negative)?,
        eps: keys.number("eps", default.eps, NOT_NEGATIVE, not_negative)?,
    })
}

/// One of two words.
fn one_of<'a>(
    keys: &Table<'a>,
    key: &'static str,
    words: [&'static str; 2],
    default: &'static str,
) -> Result<&'static str> {
    let Some(value) = keys.get(key) else { return Ok(default) };
    let expected = format!("\"{}\" or \"{}\"", words[0], words[1]);
    let written = keys.source().text_of(key, &expected, value)?;
    let found = words.into_iter().find(|word| *word == written);
    found.ok_or_else(|| keys.source().wrong_type(key, &expected, value))
}

/// Not 0, at which PyTorch's sgd and rmsprop leave the velocity as it is for a step.
fn momentum(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}
