//! Verification: the device's train steps against the CPU in `f64`, node by node, with derived error bounds.
//!
//! Every value of the train step is compared twice. *Locally*: the judge computes the dispatch from the device's own
//! operands, so that only the dispatch's own rounding may differ. *In total*: the judge computes the whole step from its own
//! parameters with running error analysis (`exec::analysis`), which starts from the measured distance of the device's
//! parameters at the start of the step. A value that passes locally and fails in total has inherited the fault.
//!
//! By induction over the steps the whole trajectory is explained by rounding, or a node fails at the first step at which it
//! is not. What this cannot show: an error that the graph itself makes, which both sides share; [`gradcheck`] and the tests'
//! independent oracle are for that.

mod assert;
pub mod gradcheck;
pub(crate) mod html;
mod judge;
pub(crate) mod kernels;
pub(crate) mod matrix;
#[cfg(feature = "gpu")]
pub(crate) mod numerics;
pub mod report;

pub use crate::nn::digest::of_values as digest;
pub use assert::assert_gradients;

use crate::compare::{Comparison, number};
use crate::error::{Error, Result};
use crate::exec::{Device, Flow};
use crate::graph::UpdateRule;
use crate::nn::{Network, Tensor};
use crate::plan::{Plan, Switches};
use crate::train::samples::Order;
use crate::train::{Engine, Roles, SampleSet};
use judge::{Judge, StepInput};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What to verify.
pub struct Question<'a> {
    /// The network and its loss.
    pub network: &'a Network,
    /// The optimizer whose steps are taken, with its schedule.
    pub rule: UpdateRule,
    /// Parameters to start from.
    pub parameters: &'a [Tensor],
    /// Training samples, as the device holds them; of a data set `(&data).into()`.
    pub data: SampleSet,
    /// Samples a step.
    pub batch_size: usize,
    /// Decides the order of the samples.
    pub seed: u64,
    /// Steps to take.
    pub steps: usize,
    /// Every bound is multiplied by this; 1 is the proof, anything else is shown in every output.
    pub slack: f64,
    /// Lower the plan without fusion, so that every node of the graph has a value of its own.
    pub unfused: bool,
    /// Optimisations of the plan.
    pub switches: Switches,
}

/// One value of the train step, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the value: a parameter's, `grad.<parameter>`, `loss`, or the node that computes it.
    pub name: String,
    /// The kernel that wrote it.
    pub kernel: String,
    /// Number of the dispatch in the plan.
    pub dispatch: usize,
    /// Names of the operands that the dispatch computes.
    pub operands: Vec<String>,
    /// Against the judge on the device's own operands.
    pub local: Comparison,
    /// Against the judge from its own start.
    pub total: Comparison,
    /// For a value that is fine locally and not in total, or whose operands are no numbers: the operand that it has the
    /// fault from.
    pub inherited_from: Option<String>,
    /// [`digest`] of the device's values.
    pub digest: String,
    /// [`digest`] of the judge's values, rounded to f32.
    pub reference_digest: String,
}

impl Row {
    /// True if both comparisons passed.
    pub fn passed(&self) -> bool {
        self.local.passed && self.total.passed
    }

    /// The larger error / bound of both comparisons.
    pub fn max_ratio(&self) -> f64 {
        self.local.max_ratio.max(self.total.max_ratio)
    }

    /// What is wrong, in words.
    pub fn fault(&self) -> Option<String> {
        if let (Some(from), Some(fault)) = (&self.inherited_from, &self.total.fault) {
            return Some(format!("inherited from {from}: {fault}"));
        }
        let local = self.local.fault.as_ref().map(|fault| format!("{fault}, computed from the device's own operands"));
        local.or_else(|| self.total.fault.clone())
    }
}

/// The comparisons of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// From 1.
    pub step: usize,
    /// The judge's loss.
    #[serde(with = "number")]
    pub loss_expected: f64,
    /// The device's loss.
    #[serde(with = "number")]
    pub loss_found: f64,
    /// Every value, in the order of the plan's dispatches.
    pub rows: Vec<Row>,
    /// Drift of the trajectories so far.
    pub drift: Drift,
}

impl Step {
    /// The row with the largest error / bound.
    pub(crate) fn worst(&self) -> Option<&Row> {
        self.rows.iter().max_by(|a, b| a.max_ratio().total_cmp(&b.max_ratio()))
    }

    /// How many rows did not pass.
    pub(crate) fn failed(&self) -> usize {
        self.rows.iter().filter(|r| !r.passed()).count()
    }
}

/// How far f32 trajectories are from the f64 one after a step: root mean square distance of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Of the device.
    #[serde(with = "number")]
    pub device: f64,
    /// Of the CPU in f32, by the same plan.
    #[serde(with = "number")]
    pub cpu_f32: f64,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The device that was verified.
    pub device: String,
    /// The judge.
    pub reference: String,
    /// True if every row of every step passed.
    pub passed: bool,
    /// Factor on every bound.
    pub slack: f64,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Verdict {
    /// The row with the largest error / bound, with its step.
    pub fn worst(&self) -> Option<(usize, &Row)> {
        self.rows().max_by(|a, b| a.1.max_ratio().total_cmp(&b.1.max_ratio()))
    }

    /// All rows, each with its step.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.steps.iter().flat_map(|s| s.rows.iter().map(move |r| (s.step, r)))
    }

    /// The first node at fault: the first row that fails locally, else the first that fails at all.
    pub fn first_fault(&self) -> Option<(usize, &Row)> {
        self.steps.iter().find_map(|s| {
            let local = s.rows.iter().find(|r| !r.local.passed);
            local.or_else(|| s.rows.iter().find(|r| !r.passed())).map(|r| (s.step, r))
        })
    }
}

/// Takes `question.steps` steps on `device` and on the judge and compares every value.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`], [`Error::Gpu`], [`Error::Device`]: what keeps the steps from running. A step that
/// runs and is wrong is no error but a verdict.
pub async fn verify(question: &Question<'_>, device: &Device) -> Result<Verdict> {
    verify_altered(question, device, &mut |_| {}).await
}

/// What a device held around one step.
pub struct Observed<'a> {
    /// From 1.
    pub step: usize,
    /// The train plan; every value has a place of its own.
    pub plan: &'a Plan,
    /// Every arena before the step, in the plan's order.
    pub before: &'a mut [Vec<f64>],
    /// Every arena after it.
    pub after: &'a mut [Vec<f64>],
}

/// [`verify`], but what the device held after each step goes through `alter` before it is judged: how tests show that a
/// wrong value is caught on any device, the CPU included.
///
/// # Errors
/// As [`verify`].
pub async fn verify_altered(
    question: &Question<'_>,
    device: &Device,
    alter: &mut dyn FnMut(Observed<'_>),
) -> Result<Verdict> {
    let Question { network, rule, data: set, .. } = question;
    let batch = question.batch_size.min(set.rows);
    let mut engine = open(question, device).await?;
    let mut twin = open(question, &Device::cpu()).await?;
    let mut judge = Judge::new(network, *rule, question.parameters, question.slack);
    let steps_per_epoch = set.rows.div_ceil(batch);
    let mut order = set.order(question.seed, 0);
    let mut steps = Vec::with_capacity(question.steps);
    for t in 0..question.steps {
        let (epoch, step) = (t / steps_per_epoch, t % steps_per_epoch);
        if step == 0 {
            order = set.order(question.seed, epoch as u32);
        }
        let mut before = engine.read_arenas().await?;
        let mut sink = |_: &[f64]| Flow::Continue;
        for engine in [&mut engine, &mut twin] {
            engine.train_set(set, &order, step..step + 1, t as u64, &mut sink).await?;
        }
        let mut after = engine.read_arenas().await?;
        let plan = engine.plans().first().ok_or_else(|| Error::Internal("no plan".into()))?;
        alter(Observed { step: t + 1, plan, before: &mut before, after: &mut after });
        let first = step * batch;
        let (data, rows) = match (&order, set.memory().filter(|_| !engine.streams())) {
            (Order::Rows(order), Some(all)) => {
                (Arc::clone(all), order[first..(first + batch).min(order.len())].to_vec())
            }
            // The rows of a step that streams lie on the device in their order.
            _ => {
                let data = set.batch(&order, first, batch)?;
                let rows = (0..data.rows as u32).collect();
                (Arc::new(data), rows)
            }
        };
        let (data, rows, before, after) = (&*data, &rows[..], &before[..], &after[..]);
        let input = StepInput { plan, data, rows, batch, t, seed: question.seed, before, after };
        let (loss_expected, loss_found, rows) = judge.step(&input)?;
        let drift = Drift {
            device: judge.distance(&engine.read_parameters().await?),
            cpu_f32: judge.distance(&twin.read_parameters().await?),
        };
        steps.push(Step { step: t + 1, loss_expected, loss_found, rows, drift });
    }
    let passed = steps.iter().all(|s| s.failed() == 0);
    let (device, reference) = (device.name().to_string(), "cpu (f64)".to_string());
    Ok(Verdict { device, reference, passed, slack: question.slack, steps })
}

async fn open(question: &Question<'_>, device: &Device) -> Result<Engine> {
    let set = &question.data;
    let roles = Roles {
        train: Some((set.rows, question.batch_size.min(set.rows), question.rule)),
        stream: set.file().is_some(),
        keep_all: true,
        unfused: question.unfused,
        switches: question.switches,
        seed: question.seed,
        ..Roles::default()
    };
    let mut engine = Engine::open(device, question.network, roles).await?;
    engine.write_parameters(question.parameters)?;
    engine.set_training_set(set)?;
    Ok(engine)
}
