//! What rewrites make of a dense layer and its gradients: a product with all that stands around it, in one launch.
//!
//! Each may gather the rows of its batch from the data set as it reads them: `x` then is two operands, data and index.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Activation, Attributes, Dtype, Launches, Misfit, Operation, Place, TensorType};
use crate::kernels::Kernel;

/// `(x [m, k], w [n, k], b [n]) -> y [m, n]` = activation(x · wᵀ + b), and `z [m, n]`, the pre-activation, if it is kept.
#[derive(Debug)]
pub struct Dense {
    /// The activation; identity for none.
    pub activation: Activation,
    /// Whether the backward pass reads the pre-activation.
    pub keep_z: bool,
    /// Whether x is gathered.
    pub gather: bool,
}

/// `(dy [m, k], w [k, n], saved [m, n]) -> [m, n]`: dy · w times the activation's derivative at `saved`.
#[derive(Debug)]
pub struct InputGrad(pub Activation);

/// `(dy [k, m], x [k, n]) -> (dw [m, n], db [m])`: dyᵀ · x and the column sums of dy.
#[derive(Debug)]
pub struct WeightGrad {
    /// Whether x is gathered.
    pub gather: bool,
}

/// The type of a batch that is an operand, or two where it is gathered; and the operands behind it.
fn batch<'a, 'b>(gather: bool, types: &'a [&'b TensorType]) -> Option<(TensorType, &'a [&'b TensorType])> {
    match (gather, types) {
        (false, [x, rest @ ..]) => Some(((*x).clone(), rest)),
        (true, [data, index, rest @ ..]) if index.dtype == Dtype::U32 => {
            Some((TensorType::f32(&[index.len(), data.rows_cols().1]), rest))
        }
        _ => None,
    }
}

impl Operation for Dense {
    fn name(&self) -> String {
        format!("dense_{}", self.activation.name())
    }

    fn attributes(&self) -> Attributes {
        let mut attributes = self.activation.epilogue();
        attributes.extend([("keep_z", f64::from(self.keep_z)), ("gather", f64::from(self.gather))]);
        attributes
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let found = batch(self.gather, types).and_then(|(x, rest)| Some((x, <[&TensorType; 2]>::try_from(rest).ok()?)));
        let (x, [w, b]) = found.ok_or_else(|| Misfit::Count("3".into()))?;
        let ((m, k), (n, inner)) = (matrix(&x)?, matrix(w)?);
        require(k == inner && b.shape == [n], "a weight of as many columns as x has, and a bias of its rows")?;
        Ok(vec![TensorType::f32(&[m, n]); 1 + usize::from(self.keep_z)])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let ((m, n), (_, k)) = (out.results[0].rows_cols(), out.operands[0].rows_cols());
        let z = match self.keep_z {
            true => Place::Result(1),
            // The binding must exist; the kernel does not touch it.
            false => Place::Unused,
        };
        let mut constants = self.activation.epilogue();
        constants.push(("KEEP_Z", f64::from(self.keep_z)));
        constants.extend(out.target.product([m, n, k], [false, true]));
        let operand = Place::Operand;
        if self.gather {
            let places = vec![Place::Step, operand(1), operand(0), operand(2), operand(3), Place::Result(0), z];
            let params = sizes(&[m, n, k, out.operands[1].stride()]);
            out.push(Kernel::gather_matmul_bias_act, params, constants, places);
        } else {
            let places = vec![operand(0), operand(1), operand(2), Place::Result(0), z];
            out.push(Kernel::matmul_bias_act, sizes(&[m, n, k]), constants, places);
        }
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        self.gather && operand == 1
    }
}

impl Operation for InputGrad {
    fn name(&self) -> String {
        format!("matmul_{}_grad", self.0.name())
    }

    fn attributes(&self) -> Attributes {
        self.0.epilogue()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [dy, w, saved] = operands(types)?;
        let ((m, k), (inner, n)) = (matrix(dy)?, matrix(w)?);
        require(k == inner && saved.shape == [m, n], "a product of the shape of the activation's argument")?;
        Ok(vec![saved.clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let ((rows, cols), (_, k)) = (out.results[0].rows_cols(), out.operands[0].rows_cols());
        let mut constants = self.0.epilogue();
        constants.extend(out.target.product([rows, cols, k], [false, false]));
        out.push(Kernel::matmul_act_grad, sizes(&[rows, cols, k]), constants, out.in_order());
        Ok(())
    }
}

impl Operation for WeightGrad {
    fn name(&self) -> String {
        "matmul_column_sum".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("gather", f64::from(self.gather))]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let found = types.split_first().and_then(|(dy, rest)| Some((dy, batch(self.gather, rest)?)));
        let Some((dy, (x, []))) = found else { return Err(Misfit::Count("2".into())) };
        let ((k, m), (rows, n)) = (matrix(dy)?, matrix(&x)?);
        require(k == rows, "two matrices of equally many rows")?;
        Ok(vec![TensorType::f32(&[m, n]), TensorType::f32(&[m])])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let ((m, n), (k, _)) = (out.results[0].rows_cols(), out.operands[0].rows_cols());
        let constants = out.target.product([m, n, k], [true, false]);
        let (operand, results) = (Place::Operand, [Place::Result(0), Place::Result(1)]);
        if self.gather {
            let places = [&[Place::Step, operand(2), operand(0), operand(1)], &results[..]].concat();
            out.push(Kernel::gather_matmul_col_sum, sizes(&[m, n, k, out.operands[2].stride()]), constants, places);
        } else {
            out.push(Kernel::matmul_col_sum, sizes(&[m, n, k]), constants, out.in_order());
        }
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        self.gather && operand == 2
    }
}
