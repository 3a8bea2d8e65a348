//! Verification: the device's train steps against the CPU in `f64`, with derived error bounds.
//!
//! Step by step the judge runs the same plan in exact-enough arithmetic ([`crate::exec::analysis`]) from its own
//! parameters; its error analysis starts from the measured distance of the device's parameters at the start of the
//! step. What the device finds (loss, every gradient, every updated parameter and state) must lie within the bound that
//! one step can make of that distance. By induction over the steps the whole trajectory is explained by rounding, or a
//! row fails at the first step at which it is not. What this cannot show: an error that the graph itself makes, which
//! both sides share; finite differences and the tests' independent oracle are for that.

pub mod report;

use crate::compare::{Comparison, compare};
use crate::data::{Dataset, Targets, epoch_order};
use crate::error::{Error, Result};
use crate::exec::analysis::Analysis;
use crate::exec::{Device, Flow};
use crate::graph::Optimizer;
use crate::model::{Network, Tensor};
use crate::train::{Engine, Roles};
use serde::Serialize;

/// What to verify.
pub struct Question<'a> {
    /// The network and its loss.
    pub network: &'a Network,
    /// The optimizer whose steps are taken.
    pub optimizer: Optimizer,
    /// Parameters to start from.
    pub parameters: &'a [Tensor],
    /// Training samples.
    pub data: &'a Dataset,
    /// Samples a step.
    pub batch_size: usize,
    /// Decides the order of the samples.
    pub seed: u64,
    /// Steps to take.
    pub steps: usize,
}

/// The comparisons of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// From 1.
    pub step: usize,
    /// The judge's loss.
    pub loss_expected: f64,
    /// The device's loss.
    pub loss_found: f64,
    /// Loss, gradients, parameters and states after the step.
    pub rows: Vec<Comparison>,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The device that was verified.
    pub device: String,
    /// The judge.
    pub reference: String,
    /// True if every row of every step passed.
    pub passed: bool,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Verdict {
    /// The row with the largest error / bound, with its step.
    pub fn worst(&self) -> Option<(usize, &Comparison)> {
        let rows = self.steps.iter().flat_map(|s| s.rows.iter().map(move |r| (s.step, r)));
        rows.max_by(|a, b| a.1.max_ratio.total_cmp(&b.1.max_ratio))
    }

    /// The first row that failed.
    pub fn first_fault(&self) -> Option<(usize, &Comparison)> {
        self.steps.iter().find_map(|s| s.rows.iter().find(|r| !r.passed).map(|r| (s.step, r)))
    }
}

/// Takes `question.steps` steps on `device` and on the judge and compares them.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`], [`Error::Gpu`], [`Error::Device`]: what keeps the steps from running. A step that
/// runs and is wrong is no error but a verdict.
pub async fn verify(question: &Question<'_>, device: &Device) -> Result<Verdict> {
    let Question { network, optimizer, data, .. } = *question;
    let batch = question.batch_size.min(data.rows);
    let roles = Roles { train: Some((data.rows, batch, optimizer)), ..Roles::default() };
    let mut engine = Engine::open(device, network, roles).await?;
    let data = rounded_dataset(data);
    let mut judge = Judge::new(network, optimizer, question.parameters);
    engine.write_parameters(&judge.parameters)?;
    engine.set_training_data(&data)?;
    let orders = (0..).flat_map(|epoch| {
        epoch_order(question.seed, epoch, data.rows).chunks(batch).map(<[u32]>::to_vec).collect::<Vec<_>>()
    });
    let mut steps = Vec::with_capacity(question.steps);
    for (t, rows) in orders.take(question.steps).enumerate() {
        let before = (engine.read_parameters().await?, engine.read_states().await?);
        let mut loss = f64::NAN;
        let mut sink = |losses: &[f64]| {
            loss = losses.first().copied().unwrap_or(f64::NAN);
            Flow::Continue
        };
        engine.train(&rows, t as u64, &mut sink).await?;
        let found = Found {
            loss,
            gradients: engine.read_gradients().await?,
            parameters: engine.read_parameters().await?,
            states: engine.read_states().await?,
        };
        let plan = engine.plans().first().ok_or_else(|| Error::Internal("no plan".into()))?;
        steps.push(judge.step(plan, &data, &rows, batch, t, &before, &found)?);
    }
    let passed = steps.iter().all(|s| s.rows.iter().all(|r| r.passed));
    Ok(Verdict { device: device.name().to_string(), reference: "cpu (f64)".into(), passed, steps })
}

/// What the device held after a step.
struct Found {
    loss: f64,
    gradients: Vec<Tensor>,
    parameters: Vec<Tensor>,
    states: Vec<Tensor>,
}

/// The trajectory in `f64`.
struct Judge {
    optimizer: Optimizer,
    parameters: Vec<Tensor>,
    states: Vec<Tensor>,
}

impl Judge {
    fn new(network: &Network, optimizer: Optimizer, parameters: &[Tensor]) -> Judge {
        let parameters = parameters.iter().map(|p| Tensor { values: rounded(&p.values), ..p.clone() }).collect();
        let zeros = |slot: usize| {
            network.parameters().into_iter().map(move |(name, shape)| Tensor {
                name: format!("state.{slot}.{name}"),
                values: vec![0.0; shape.iter().product()],
                shape,
            })
        };
        Judge { optimizer, parameters, states: (0..optimizer.state_slots()).flat_map(zeros).collect() }
    }

    /// One step from the judge's own position, bounded by the device's distance from it, compared with what was found.
    #[allow(clippy::too_many_arguments, reason = "the parts of one step, each used once")]
    fn step(
        &mut self,
        plan: &crate::plan::Plan,
        data: &Dataset,
        rows: &[u32],
        batch: usize,
        t: usize,
        before: &(Vec<Tensor>, Vec<Tensor>),
        found: &Found,
    ) -> Result<Step> {
        let mut analysis = Analysis::new(plan);
        write_batch(&mut analysis, data, rows, batch)?;
        analysis.write("train.table.hyper", &rounded(&self.optimizer.hyper(t as u64)), None)?;
        let mine = self.parameters.iter().chain(&self.states);
        for (mine, device) in mine.zip(before.0.iter().chain(&before.1)) {
            let distance: Vec<f64> = mine.values.iter().zip(&device.values).map(|(a, b)| (a - b).abs()).collect();
            analysis.write(&mine.name, &mine.values, Some(&distance))?;
        }
        analysis.step();
        let loss = analysis.read("loss")?;
        let mut all = vec![compare("loss", &[1], &loss.value[..1], &[found.loss], &loss.error[..1])];
        for tensor in found.gradients.iter().chain(&found.parameters).chain(&found.states) {
            let judged = analysis.read(&tensor.name)?;
            all.push(compare(&tensor.name, &tensor.shape, &judged.value, &tensor.values, &judged.error));
        }
        for tensor in self.parameters.iter_mut().chain(&mut self.states) {
            tensor.values = analysis.read(&tensor.name)?.value;
        }
        Ok(Step { step: t + 1, loss_expected: loss.value[0], loss_found: found.loss, rows: all })
    }
}

/// The samples and tables of one step, as the device holds them: rounded to `f32`.
fn write_batch(analysis: &mut Analysis, data: &Dataset, rows: &[u32], batch: usize) -> Result<()> {
    analysis.write("data.train.x", &data.x, None)?;
    match &data.targets {
        Targets::Numbers { values, .. } => analysis.write("data.train.target", values, None)?,
        Targets::Classes(classes) => {
            let classes: Vec<f64> = classes.iter().map(|c| f64::from(*c)).collect();
            analysis.write("data.train.target", &classes, None)?;
        }
    }
    let mut index: Vec<f64> = rows.iter().map(|r| f64::from(*r)).collect();
    index.resize(batch, 0.0);
    analysis.write("train.table.index", &index, None)?;
    let mut weight = vec![f64::from((1.0 / rows.len() as f64) as f32); rows.len()];
    weight.resize(batch, 0.0);
    analysis.write("train.table.weight", &weight, None)
}

fn rounded(values: &[f64]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v as f32)).collect()
}

fn rounded_dataset(data: &Dataset) -> Dataset {
    let targets = match &data.targets {
        Targets::Numbers { width, values } => Targets::Numbers { width: *width, values: rounded(values) },
        classes => classes.clone(),
    };
    Dataset { x: rounded(&data.x), targets, ..data.clone() }
}
