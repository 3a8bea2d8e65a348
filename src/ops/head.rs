//! The end of a classifier in one launch.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Activation, Attributes, Launches, Loss, Operation, Place, TensorType};
use crate::kernels::Kernel;

/// `(x [m, k], w [n, k], b [n], classes, index [m], upstream [m], saved [m, k]) -> (loss [m], dz [m, n], dx [m, k])`: last layer,
/// cross entropy of gathered classes, and the gradients by the logits and, through the activation before the layer, by x.
#[derive(Debug)]
pub struct ClassifierHead {
    /// The loss, which takes classes.
    pub loss: Loss,
    /// The activation before the layer.
    pub activation: Activation,
}

impl Operation for ClassifierHead {
    fn name(&self) -> String {
        "dense_cross_entropy".into()
    }

    fn attributes(&self) -> Attributes {
        self.activation.epilogue().into_iter().chain(self.loss.constant()).collect()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, w, b, _, index, upstream, saved] = operands(types)?;
        let ((m, k), (n, inner)) = (matrix(x)?, matrix(w)?);
        let rows = index.shape == [m] && upstream.shape == [m];
        require(
            k == inner && b.shape == [n] && rows && saved == x,
            "a dense layer, a class and a weight for each row",
        )?;
        Ok(vec![TensorType::f32(&[m]), TensorType::f32(&[m, n]), x.clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let ((m, k), (n, _)) = (out.operands[0].rows_cols(), out.operands[1].rows_cols());
        let operand = Place::Operand;
        let mut places =
            vec![Place::Step, operand(4), operand(0), Place::Span(1, 2), operand(3), operand(5), operand(6)];
        places.extend((0..3).map(Place::Result));
        let lanes = f64::from(out.target.products.lanes.unwrap_or_default());
        let mut constants = self.activation.epilogue();
        constants.extend([("WIDTH", lanes), ("SUBGROUP", lanes), ("COLS", n as f64)]);
        constants.extend(self.loss.constant());
        // The last is where the bias begins, behind the weight.
        let params = sizes(&[m, n, k, out.operands[4].stride(), out.operands[5].stride(), 0]);
        out.push(Kernel::dense_cross_entropy, params, constants, places);
        if let Some(launch) = out.list.last_mut() {
            launch.distance = Some((5, 1, 2));
        }
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 4 || operand == 5
    }
}
