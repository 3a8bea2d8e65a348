//! Losses of a batch's samples, and their gradients by the predictions.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Attributes, Backward, Gradients, Kinks, Launches, Loss, Misfit, Operation, Place, TensorType};
use crate::kernels::row_lanes;

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

/// Checks the operands of a loss with an upstream gradient; gives the number of samples.
fn rows_with_upstream(loss: Loss, types: &[&TensorType]) -> Result<usize, Misfit> {
    let [pred, target, upstream] = operands(types)?;
    let rows = rows_of(loss, pred, target)?;
    require(upstream.shape == [rows], "one upstream gradient for each sample")?;
    Ok(rows)
}

/// The kernel computes both; what is not asked for goes nowhere.
fn launch(loss: Loss, [each, gradient]: [Place; 2], out: &mut Launches<'_>) {
    let (rows, cols) = out.operands[0].rows_cols();
    // Without an upstream gradient any numbers do.
    let (upstream, stride) = match out.operands.get(2) {
        Some(upstream) => (Place::Operand(2), upstream.stride()),
        None => (Place::Operand(0), 0),
    };
    let constants = [("LANES", row_lanes(cols) as f64)].into_iter().chain(loss.constant()).collect();
    let places = vec![Place::Step, Place::Operand(0), Place::Operand(1), upstream, each, gradient];
    out.push(loss.kernel(), sizes(&[rows, cols, stride]), constants, places);
}

impl Operation for LossValue {
    fn name(&self) -> String {
        self.0.name().into()
    }

    fn attributes(&self) -> Attributes {
        self.0.constant().into_iter().collect()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let rows = match types {
            [_, _, _] => rows_with_upstream(self.0, types)?,
            _ => operands(types).and_then(|[pred, target]| rows_of(self.0, pred, target))?,
        };
        Ok(vec![TensorType::f32(&[rows])])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        let operands = [at.operand(0), at.operand(1), dy];
        Ok(vec![Some(at.push(LossGrad(self.0), &operands, ".grad")?), None])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, cols) = out.operands[0].rows_cols();
        let unused = out.unused(&[rows, cols]);
        launch(self.0, [Place::Result(0), unused], out);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }

    fn kinks(&self) -> Option<Kinks> {
        let piece = self.0.piece()?;
        let each =
            move |operands: &[Vec<f64>]| operands[0].iter().zip(&operands[1]).map(|(y, t)| piece(*y, *t)).collect();
        Some(Kinks { operands: vec![0, 1], pieces: Box::new(each) })
    }
}

impl Operation for LossGrad {
    fn name(&self) -> String {
        format!("{}_grad", self.0.name())
    }

    fn attributes(&self) -> Attributes {
        self.0.constant().into_iter().collect()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        rows_with_upstream(self.0, types)?;
        Ok(vec![types[0].clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, _) = out.operands[0].rows_cols();
        let unused = out.unused(&[rows]);
        launch(self.0, [unused, Place::Result(0)], out);
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
        self.0.constant().into_iter().collect()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let rows = rows_with_upstream(self.0, types)?;
        Ok(vec![TensorType::f32(&[rows]), types[0].clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        launch(self.0, [Place::Result(0), Place::Result(1)], out);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 2
    }
}
