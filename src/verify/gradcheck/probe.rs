//! The loss at moved parameters, with the region in which each kinked argument lies.

use super::Question;
use crate::data::Targets;
use crate::error::Result;
use crate::exec::{Device, Flow, Session};
use crate::graph::{Graph, Loss, Role, Value};
use crate::model::{Mode, Samples, Tensor};
use crate::ops::{Activate, LossValue};
use crate::plan::{Limits, Options, lower};

/// Name of the plan and prefix of its tables and data.
const PLAN: &str = "gradcheck";

/// Where the binary cross-entropy clamps: its gradient is PyTorch's convention there and no derivative of its loss
/// (`src/kernels/cpu/binary_cross_entropy.rs`, the least denominator).
const CLAMPED_BELOW: f64 = 1e-12;

/// The loss somewhere.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) loss: f64,
    /// The region of every argument that has kinks. Between points of equal regions the loss is smooth.
    pub(super) regions: Vec<i8>,
    /// True where some prediction lies within a clamp, where gradient and derivative differ by design.
    pub(super) clamped: bool,
}

/// What is looked at beside the loss.
enum Watch {
    /// A pre-activation of relu or leaky_relu, under this name: its sign.
    Sign(String),
    /// The predictions, by the kinks of this loss.
    Predictions(Loss),
}

/// The forward pass of a batch in `f64`.
pub(super) struct Probe {
    session: Session,
    watches: Vec<Watch>,
    targets: Vec<f64>,
    moved: Vec<f64>,
}

impl Probe {
    /// Builds the plan and writes batch and parameters.
    pub(super) async fn open(question: &Question<'_>) -> Result<Probe> {
        let batch = question.batch;
        let samples = Samples { name: PLAN, rows: batch.rows, batch: batch.rows };
        let mut graph = question.network.loss_graph(samples, Mode::Train)?;
        let watches = watch(&mut graph);
        let plan = lower(&graph, &Options { limits: Limits::CPU, ..Options::new(PLAN, 1) })?;
        let mut session = Session::open(&Device::cpu_f64(), vec![plan]).await?;
        super::write_batch(&mut (&mut session, 0), PLAN, question)?;
        let targets = match &batch.targets {
            Targets::Classes(_) => Vec::new(),
            Targets::Numbers { values, .. } => values.clone(),
        };
        for p in question.parameters {
            session.write(0, &p.name, &p.values)?;
        }
        Ok(Probe { session, watches, targets, moved: Vec::new() })
    }

    /// The loss at the parameters as they are.
    pub(super) async fn at_start(&mut self) -> Result<Point> {
        let mut loss = f64::NAN;
        let mut sink = |losses: &[f64]| {
            loss = losses.first().copied().unwrap_or(f64::NAN);
            Flow::Continue
        };
        self.session.run(0, 1, &mut sink).await?;
        let mut point = Point { loss, regions: Vec::new(), clamped: false };
        for watch in &self.watches {
            match watch {
                Watch::Sign(name) => {
                    let z = self.session.read(0, Role::Output(name.clone())).await?;
                    point.regions.extend(z.iter().map(|&z| sign(z)));
                }
                Watch::Predictions(loss) => {
                    let pred = self.session.read(0, Role::Prediction).await?;
                    if let Some(piece) = loss.piece() {
                        point.regions.extend(pred.iter().zip(&self.targets).map(|(&y, &t)| piece(y, t)));
                    }
                    let clamped = |p: f64| p * (1.0 - p) <= CLAMPED_BELOW;
                    point.clamped = *loss == Loss::BinaryCrossEntropy && pred.iter().any(|&p| clamped(p));
                }
            }
        }
        Ok(point)
    }

    /// The loss with `tensor[element]` at `value` and every other parameter as at the start.
    pub(super) async fn at(&mut self, tensor: &Tensor, element: usize, value: f64) -> Result<Point> {
        self.moved.clear();
        self.moved.extend_from_slice(&tensor.values);
        self.moved[element] = value;
        self.session.write(0, &tensor.name, &self.moved)?;
        self.at_start().await
    }

    /// Writes `tensor` as it was.
    pub(super) fn restore(&mut self, tensor: &Tensor) -> Result<()> {
        self.session.write(0, &tensor.name, &tensor.values)
    }
}

/// Makes everything with kinks an output of the graph. The loss is looked up in the graph and not in the network, because
/// stabilisation may have put a smooth one in its place.
fn watch(graph: &mut Graph) -> Vec<Watch> {
    let mut watches = Vec::new();
    let mut signs: Vec<Value> = Vec::new();
    for node in &graph.nodes {
        if node.op.is().is_some_and(|Activate(activation)| activation.has_kink()) {
            signs.push(node.inputs[0]);
        }
        let has_kinks = |loss: Loss| loss.piece().is_some() || loss == Loss::BinaryCrossEntropy;
        if let Some(&LossValue(loss)) = node.op.is().filter(|LossValue(loss)| has_kinks(*loss)) {
            watches.push(Watch::Predictions(loss));
        }
    }
    for (i, value) in signs.into_iter().enumerate() {
        let name = format!("gradcheck.z.{i}");
        graph.output(Role::Output(name.clone()), value);
        watches.push(Watch::Sign(name));
    }
    watches
}

/// -1, 0 or 1: exactly at a kink is a region of its own, which every step that moves the argument leaves.
fn sign(x: f64) -> i8 {
    i8::from(x > 0.0) - i8::from(x < 0.0)
}
