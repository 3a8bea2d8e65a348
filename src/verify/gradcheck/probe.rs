//! The loss at moved parameters, with the smooth piece on which each element of an operation with kinks lies.

use super::Question;
use crate::error::Result;
use crate::exec::{Device, Flow, Session};
use crate::graph::{Graph, Kinks, Op, Piece, Role, Source, Value};
use crate::nn::{Mode, Samples, Tensor};
use crate::plan::{Limits, Options, lower};

/// Name of the plan and prefix of its tables and data.
const PLAN: &str = "gradcheck";

/// The loss somewhere.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) loss: f64,
    /// The piece of every operation with kinks on which its elements lie. Between points of equal pieces the loss is smooth.
    pub(super) pieces: Vec<Piece>,
}

/// An operation with kinks: the roles under which its operands are read, and what they say.
struct Watch {
    operands: Vec<Role>,
    kinks: Kinks,
}

/// The forward pass of a batch in `f64`.
pub(super) struct Probe {
    session: Session,
    watches: Vec<Watch>,
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
        for p in question.parameters {
            session.write(0, &p.name, &p.values)?;
        }
        Ok(Probe { session, watches, moved: Vec::new() })
    }

    /// The loss at the parameters as they are.
    pub(super) async fn at_start(&mut self) -> Result<Point> {
        let mut loss = f64::NAN;
        let mut sink = |losses: &[f64]| {
            loss = losses.first().copied().unwrap_or(f64::NAN);
            Flow::Continue
        };
        self.session.run(0, 1, &mut sink).await?;
        let mut pieces = Vec::new();
        for watch in &self.watches {
            let mut operands = Vec::with_capacity(watch.operands.len());
            for role in &watch.operands {
                operands.push(self.session.read(0, role).await?);
            }
            pieces.extend((watch.kinks.pieces)(&operands));
        }
        Ok(Point { loss, pieces })
    }

    /// The loss with `tensor[element]` at `value` and every other parameter as at the start.
    pub(super) async fn at(&mut self, tensor: &Tensor, element: usize, value: f64) -> Result<Point> {
        self.moved.clone_from(&tensor.values);
        self.moved[element] = value;
        self.session.write(0, &tensor.name, &self.moved)?;
        self.at_start().await
    }

    /// Writes `tensor` as it was.
    pub(super) fn restore(&mut self, tensor: &Tensor) -> Result<()> {
        self.session.write(0, &tensor.name, &tensor.values)
    }
}

/// Makes the operands of everything with kinks outputs of the graph. They are looked up in the graph and not in the network, because
/// stabilisation may have put a smooth operation in the place of one with kinks.
fn watch(graph: &mut Graph) -> Vec<Watch> {
    let mut found: Vec<(Vec<Value>, Kinks)> = Vec::new();
    for node in &graph.nodes {
        let Op::Apply(operation) = &node.op else { continue };
        if let Some(kinks) = operation.kinks() {
            found.push((kinks.operands.iter().map(|i| node.inputs[*i]).collect(), kinks));
        }
    }
    let watched = |(values, kinks): (Vec<Value>, Kinks)| {
        let operands = values.into_iter().map(|value| role_of(graph, value)).collect();
        Watch { operands, kinks }
    };
    found.into_iter().map(watched).collect()
}

/// The role under which a value is read: that of a parameter or an output, which it becomes if it is neither.
fn role_of(graph: &mut Graph, value: Value) -> Role {
    if let Some(Source::Param { name, .. } | Source::Buffer { name }) = graph.nodes[value.node].op.source() {
        return Role::Tensor(name.clone());
    }
    if let Some((role, _)) = graph.outputs.iter().find(|(_, output)| *output == value) {
        return role.clone();
    }
    let role = Role::Output(format!("gradcheck.{}.{}", value.node, value.result));
    graph.output(role.clone(), value);
    role
}
