//! Losses of a batch's samples, and their gradients by the predictions.

use super::choose::{loss_kernel, smoothing};
use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::operation::sign;
use crate::graph::{
    Attributes, Kinks, Launches, Loss, Misfit, Operand, Operation, Piece, Place, Tape, TensorType, Value,
};
use crate::kernels::{Param, row_lanes};
use crate::target::Target;

/// `(pred [rows, cols], target) -> [rows]`: the loss of each sample.
#[derive(Debug)]
pub struct LossValue(pub Loss);

/// `(pred, target, upstream [rows]) -> [rows, cols]`
#[derive(Debug)]
pub struct LossGrad(pub Loss);

/// `(pred, target, upstream [rows]) -> ([rows], [rows, cols])`: both, by one launch.
#[derive(Debug)]
pub struct LossPair(pub Loss);

/// Checks prediction and target; gives the number of samples.
fn rows_of(loss: Loss, pred: &TensorType, target: &TensorType) -> Result<usize, Misfit> {
    let (rows, _) = matrix(pred)?;
    if loss.takes_class() {
        require(target.is_like(&TensorType::u32(&[rows])), "one class index for each sample as target")?;
    } else {
        require(target.is_like(pred), "a target of the shape of the prediction")?;
    }
    Ok(rows)
}

fn attributes(loss: Loss) -> Attributes {
    match loss {
        Loss::Huber { delta } => vec![("delta", delta)],
        _ => smoothing(loss).into_iter().collect(),
    }
}

/// Checks the operands of a loss with an upstream gradient; gives the number of samples.
fn rows_with_upstream(loss: Loss, types: &[&TensorType]) -> Result<usize, Misfit> {
    let [pred, target, upstream] = operands(types)?;
    let rows = rows_of(loss, pred, target)?;
    require(upstream.shape == [rows], "one upstream gradient for each sample")?;
    Ok(rows)
}

/// The kernel computes both; what is not asked for goes nowhere.
fn launch(loss: Loss, inputs: &[Operand], [each, gradient]: [Place; 2], out: &mut Launches) {
    let (rows, cols) = inputs[0].rows_cols();
    // Without an upstream gradient any numbers do.
    let (upstream, stride) = match inputs.get(2) {
        Some(upstream) => (Place::Operand(2), upstream.stride()),
        None => (Place::Operand(0), 0),
    };
    let mut params = sizes(&[rows, cols, stride]);
    if let Loss::Huber { delta } = loss {
        params.push(Param::F(delta));
    }
    let constants = [("LANES", row_lanes(cols) as f64)].into_iter().chain(smoothing(loss)).collect();
    let places = vec![Place::Step, Place::Operand(0), Place::Operand(1), upstream, each, gradient];
    out.push(loss_kernel(loss), params, constants, places);
}

impl Operation for LossValue {
    fn name(&self) -> String {
        self.0.name().into()
    }

    fn attributes(&self) -> Attributes {
        attributes(self.0)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let rows = match types {
            [_, _, _] => rows_with_upstream(self.0, types)?,
            _ => operands(types).and_then(|[pred, target]| rows_of(self.0, pred, target))?,
        };
        Ok(vec![TensorType::f32(&[rows])])
    }

    fn gradient(
        &self,
        tape: &mut Tape<'_>,
        node: usize,
        dy: &[Option<Value>],
        _: &[bool],
    ) -> Result<Vec<Option<Value>>> {
        let dy = tape.upstream(node, dy)?;
        let inputs = tape.node(node).inputs.clone();
        Ok(vec![Some(tape.push(LossGrad(self.0), &[inputs[0], inputs[1], dy], "loss.grad")?), None])
    }

    fn launches(&self, inputs: &[Operand], _: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        let (rows, cols) = inputs[0].rows_cols();
        let unused = out.scratch("unused loss gradient".into(), &[rows, cols]);
        launch(self.0, inputs, [Place::Result(0), unused], out);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }

    fn kinks(&self) -> Option<Kinks> {
        let loss = self.0;
        let has_kinks = match loss {
            Loss::Mae | Loss::Hinge | Loss::Huber { .. } | Loss::BinaryCrossEntropy => true,
            Loss::HalfSquaredError | Loss::Mse | Loss::BceWithLogits => false,
            Loss::CrossEntropy | Loss::SmoothedCrossEntropy { .. } => false,
        };
        let pieces = move |operands: &[Vec<f64>]| {
            operands[0].iter().zip(&operands[1]).map(|(&y, &t)| piece(loss, y, t)).collect()
        };
        has_kinks.then(|| Kinks { operands: vec![0, 1], pieces: Box::new(pieces) })
    }
}

/// Where the binary cross-entropy clamps: its gradient is PyTorch's convention there and no derivative of its loss
/// (`src/kernels/cpu/binary_cross_entropy.rs`, the least denominator).
const CLAMPED_BELOW: f64 = 1e-12;

/// The piece of a loss on which prediction `y` lies. The second derivative of huber jumps at its corner, which the
/// extrapolation of differences cannot cross either.
fn piece(loss: Loss, y: f64, t: f64) -> Piece {
    match loss {
        Loss::Mae => Some(sign(y - t)),
        Loss::Hinge => Some(sign(1.0 - t * y)),
        Loss::Huber { delta } => Some(sign(y - t - delta) + sign(y - t + delta)),
        Loss::BinaryCrossEntropy if y * (1.0 - y) <= CLAMPED_BELOW => None,
        _ => Some(0),
    }
}

impl Operation for LossGrad {
    fn name(&self) -> String {
        format!("{}_grad", self.0.name())
    }

    fn attributes(&self) -> Attributes {
        attributes(self.0)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        rows_with_upstream(self.0, types)?;
        Ok(vec![types[0].clone()])
    }

    fn launches(&self, inputs: &[Operand], _: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        let (rows, _) = inputs[0].rows_cols();
        let unused = out.scratch("unused losses".into(), &[rows]);
        launch(self.0, inputs, [unused, Place::Result(0)], out);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }
}

impl Operation for LossPair {
    fn name(&self) -> String {
        format!("{}_pair", self.0.name())
    }

    fn attributes(&self) -> Attributes {
        attributes(self.0)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let rows = rows_with_upstream(self.0, types)?;
        Ok(vec![TensorType::f32(&[rows]), types[0].clone()])
    }

    fn launches(&self, inputs: &[Operand], _: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        launch(self.0, inputs, [Place::Result(0), Place::Result(1)], out);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }
}
