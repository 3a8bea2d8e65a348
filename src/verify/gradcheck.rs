//! Analytic gradients against finite differences of the loss, in `f64`.
//!
//! This is the check that the comparison of two executors cannot make: both would share a wrong derivative. Here the
//! loss alone is evaluated, at parameters moved by a step to either side, and the quotient of differences must agree with
//! the gradient within a bound that is derived for each element (see `difference`): what the extrapolation leaves, what
//! rounding makes of the loss divided by the step, and what the gradient's own evaluation in `f64` may be off.
//!
//! Layers work as in a training step: dropout keeps the elements that the first step of the seed keeps.
//!
//! The gradient is an argument: [`analytic`] computes the crate's own, and the tests pass wrong ones.
//!
//! An element is left out, and counted, for two reasons only. At a *kink* (of relu, leaky_relu, mae, hinge, the corner of
//! huber, the clamps of binary_cross_entropy) there is no derivative to compare with: a step counts as crossing one when
//! any element of an operation with [kinks](crate::graph::Operation::kinks) lies on another smooth piece than at the start, and
//! smaller steps are tried first.
//! *Unresolved* is an element whose bound is so wide that it would prove nothing. A tensor of which no element could be
//! checked has not passed.

pub(crate) mod difference;
mod probe;
pub mod report;

use crate::compare::{Comparison, compare};
use crate::data::Dataset;
use crate::data::rng::{Purpose, permutation, stream};
use crate::error::{Error, Result};
use crate::exec::Device;
use crate::exec::analysis::Analysis;
use crate::graph::Role;
use crate::kernels::bound::U;
use crate::nn::{Mode, Network, Samples, Tensor};
use crate::plan::{Limits, Options, lower};
use crate::train::inputs::{Inputs, Steps, fill_samples};
use crate::train::tables::shares;
use crate::train::{Engine, Roles};
use difference::{Outcome, differentiate};
use probe::Probe;
use serde::Serialize;

/// Elements of a tensor that are checked unless the caller says otherwise.
pub const DEFAULT_SAMPLES: usize = 200;

/// An element is unresolved where its bound exceeds this share of the largest gradient in the network. An error that
/// matters to training is larger; of the errors that a wrong term makes, nearly all are.
const RESOLUTION: f64 = 1e-4;

/// From the bounds of the error analysis, which hold for `f32`, to `f64`: they are sums of terms proportional to the unit
/// roundoff or its powers, so that the ratio of the unit roundoffs, 2^-53 / 2^-24, scales them from above.
const F64_SHARE: f64 = (f64::EPSILON / 2.0) / U;

/// What to check.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The network and its loss.
    pub network: &'a Network,
    /// Where the gradient is taken.
    pub parameters: &'a [Tensor],
    /// The samples of the batch.
    pub batch: &'a Dataset,
    /// Elements of each tensor to check at most.
    pub samples: usize,
    /// Decides which elements those are.
    pub seed: u64,
}

impl<'a> Question<'a> {
    /// The parameters that a gradient reaches: running statistics are none.
    fn trained(&self) -> Vec<&'a Tensor> {
        let names = self.network.parameters();
        self.parameters.iter().filter(|p| names.iter().any(|(name, _)| *name == p.name)).collect()
    }
}

/// One tensor's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorCheck {
    /// Elements in all.
    pub size: usize,
    /// Elements that were drawn.
    pub sampled: usize,
    /// Of these, compared with a difference.
    pub checked: usize,
    /// Of these, left out because a kink lies closer than the smallest step.
    pub kinks: usize,
    /// Of these, left out because their bound would prove nothing.
    pub unresolved: usize,
    /// The largest bound among the checked elements.
    pub largest_bound: f64,
    /// Differences (expected) against the gradient (found). Elements that were not drawn or are left out stand in it with
    /// their own value and bound 0, so that a gradient that is not finite fails wherever it is.
    pub comparison: Comparison,
}

impl TensorCheck {
    /// True if something was checked and all of it agrees.
    pub fn passed(&self) -> bool {
        self.comparison.passed && self.checked > 0
    }
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// True if every tensor passed.
    pub passed: bool,
    /// The loss of the batch.
    pub loss: f64,
    /// Samples in the batch.
    pub rows: usize,
    /// Elements of each tensor to check at most.
    pub samples: usize,
    /// Decided which elements those are.
    pub seed: u64,
    /// Largest magnitude of the gradient.
    pub largest_gradient: f64,
    /// The tensors, in the network's order.
    pub tensors: Vec<TensorCheck>,
}

/// The gradients that the crate computes for the batch, on the CPU in `f64`, named as the parameters.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`].
pub async fn analytic(question: &Question<'_>) -> Result<Vec<Tensor>> {
    let roles = Roles {
        gradients: Some(question.batch.rows),
        gradient_mode: Mode::Train,
        seed: question.seed,
        ..Roles::default()
    };
    let mut engine = Engine::open(&Device::cpu_f64(), question.network, roles).await?;
    engine.write_parameters(question.parameters)?;
    Ok(engine.gradients(question.batch).await?.1)
}

/// Holds `gradients` (named as the parameters) against finite differences of the loss.
///
/// # Errors
/// [`Error::Shape`], [`Error::Limit`]: what keeps the loss from being evaluated; [`Error::Data`] when the loss of the batch
/// is no finite number. A gradient that is wrong, missing or misshapen is no error but a verdict.
pub async fn gradcheck(question: &Question<'_>, gradients: &[Tensor]) -> Result<Verdict> {
    let roundings = Roundings::analyse(question)?;
    let mut probe = Probe::open(question).await?;
    let start = probe.at_start().await?;
    if !start.loss.is_finite() {
        let message = format!(
            "the loss of the batch is {}, which has no derivative. Scale the features, or correct the targets",
            start.loss
        );
        return Err(Error::data("gradcheck", message));
    }
    let mut drawn = Vec::new();
    for (i, tensor) in question.trained().into_iter().enumerate() {
        let elements = draw(question, i, tensor.values.len());
        let mut outcomes = Vec::with_capacity(elements.len());
        for &element in &elements {
            let outcome = differentiate(&mut probe, &start, tensor, element, roundings.loss).await?;
            outcomes.push((element, outcome));
        }
        drawn.push(outcomes);
    }
    Ok(verdict(question, gradients, start.loss, &roundings, &drawn))
}

/// What evaluation in `f64` may be off.
struct Roundings {
    loss: f64,
    gradients: Vec<Vec<f64>>,
}

impl Roundings {
    /// Runs the error analysis of the gradient's plan at the start and scales its bounds to `f64`.
    fn analyse(question: &Question<'_>) -> Result<Roundings> {
        let batch = question.batch;
        let samples = Samples { name: "grad", rows: batch.rows, batch: batch.rows };
        let graph = question.network.gradient_graph(samples, Mode::Train)?;
        let plan = lower(&graph, &Options { limits: Limits::CPU, ..Options::new("grad", 1) })?;
        let mut analysis = Analysis::new(&plan);
        write_batch(&mut analysis, "grad", question)?;
        for p in question.parameters {
            analysis.write(&p.name, &p.values, None)?;
        }
        analysis.step();
        let scaled = |errors: Vec<f64>| errors.into_iter().map(|e| e * F64_SHARE).collect::<Vec<f64>>();
        let loss = scaled(analysis.read(Role::Loss)?.error);
        let gradients =
            question.trained().into_iter().map(|p| Ok(scaled(analysis.read(Role::Gradient(p.name.clone()))?.error)));
        // Twice: the bound is the start's, the loss is evaluated a step beside it.
        Ok(Roundings {
            loss: 2.0 * loss.first().copied().unwrap_or(f64::NAN),
            gradients: gradients.collect::<Result<_>>()?,
        })
    }
}

/// The batch and its tables, for the plan whose data sets are called `name`.
fn write_batch(into: &mut impl Inputs, name: &str, question: &Question<'_>) -> Result<()> {
    let (batch, seed) = (question.batch, question.seed);
    fill_samples(into, name, &batch.x, &batch.targets)?;
    let rows: Vec<u32> = (0..batch.rows as u32).collect();
    let shares = &shares(&rows, &batch.weights);
    Steps { rule: None, batch: batch.rows, parts: (batch.rows, 1), rows: &rows, shares, seed, first: 0 }.fill(into)
}

/// The elements of tensor `i` to check, in rising order.
fn draw(question: &Question<'_>, i: usize, size: usize) -> Vec<usize> {
    if size <= question.samples {
        return (0..size).collect();
    }
    let order = permutation(question.seed, stream(Purpose::Gradcheck, i as u32), size);
    let mut drawn: Vec<usize> = order[..question.samples].iter().map(|&e| e as usize).collect();
    drawn.sort_unstable();
    drawn
}

type Drawn = Vec<(usize, Outcome)>;

fn verdict(
    question: &Question<'_>,
    gradients: &[Tensor],
    loss: f64,
    roundings: &Roundings,
    drawn: &[Drawn],
) -> Verdict {
    // The scale is taken from the differences: a wrong gradient must not widen its own tolerance.
    let size = |(_, outcome): &(usize, Outcome)| match outcome {
        Outcome::Smooth { derivative, .. } => derivative.abs(),
        Outcome::Kink | Outcome::NotFinite => 0.0,
    };
    let scale = drawn.iter().flatten().map(size).fold(0.0, f64::max);
    // A flat loss has no scale of its own but the loss.
    let widest = RESOLUTION * if scale > 0.0 { scale } else { loss.abs() };
    let parts = question.trained().into_iter().zip(&roundings.gradients).zip(drawn);
    let tensors: Vec<TensorCheck> = parts
        .map(|((parameter, rounding), drawn)| {
            let gradient = gradients.iter().find(|g| g.name == parameter.name);
            let found = gradient.map_or(&[][..], |g| if g.shape == parameter.shape { &g.values } else { &[] });
            check(parameter, found, rounding, drawn, widest)
        })
        .collect();
    Verdict {
        passed: tensors.iter().all(TensorCheck::passed),
        loss,
        rows: question.batch.rows,
        samples: question.samples,
        seed: question.seed,
        largest_gradient: scale,
        tensors,
    }
}

/// Compares one tensor; elements with a bound above `widest` are left out.
fn check(parameter: &Tensor, found: &[f64], rounding: &[f64], drawn: &Drawn, widest: f64) -> TensorCheck {
    let size = parameter.values.len();
    let mut expected = found.to_vec();
    expected.resize(size, 0.0);
    let mut bound = vec![0.0; size];
    let mut result = TensorCheck {
        size,
        sampled: drawn.len(),
        checked: 0,
        kinks: 0,
        unresolved: 0,
        largest_bound: 0.0,
        comparison: compare(&parameter.name, &parameter.shape, &[], &[], &[]),
    };
    for &(element, outcome) in drawn {
        match outcome {
            Outcome::Kink => result.kinks += 1,
            Outcome::Smooth { derivative, error } if error + rounding[element] <= widest => {
                expected[element] = derivative;
                bound[element] = error + rounding[element];
                result.checked += 1;
                result.largest_bound = result.largest_bound.max(bound[element]);
            }
            Outcome::Smooth { .. } | Outcome::NotFinite => result.unresolved += 1,
        }
    }
    result.comparison = compare(&parameter.name, &parameter.shape, &expected, found, &bound);
    result
}
