//! Sums of two values, and vectors one behind the other.

use super::{ColumnSum, Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Backward, Dtype, Gradients, Launches, Operation, TensorType};
use crate::kernels::Kernel;

/// `(a, b) -> a + b`, equal shapes.
#[derive(Debug)]
pub struct Add;

/// `(x [m, n], b [n]) -> [m, n]`
#[derive(Debug)]
pub struct AddBias;

/// `(a [n], b [m]) -> [n + m]`: one behind the other.
#[derive(Debug)]
pub struct Concat;

impl Operation for Add {
    fn name(&self) -> String {
        "add".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [a, b] = operands(types)?;
        require(a.is_like(b), "two operands of the same shape")?;
        Ok(vec![a.clone().stepped(false)])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        Ok(vec![Some(dy), Some(dy)])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        out.push(Kernel::add, sizes(&[out.results[0].len()]), vec![], out.in_order());
        Ok(())
    }
}

impl Operation for AddBias {
    fn name(&self) -> String {
        "add_bias".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, b] = operands(types)?;
        let (_, cols) = matrix(x)?;
        require(b.shape == [cols], "a bias with one number for each column")?;
        Ok(vec![x.clone()])
    }

    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        Ok(vec![Some(dy), at.push_for(1, ColumnSum, &[dy], ".bias.grad")?])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, cols) = out.results[0].rows_cols();
        out.push(Kernel::add_bias, sizes(&[rows, cols]), vec![], out.in_order());
        Ok(())
    }
}

impl Operation for Concat {
    fn name(&self) -> String {
        "concat".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [a, b] = operands(types)?;
        let vector = |ty: &TensorType| ty.shape.len() == 1 && ty.dtype == Dtype::F32;
        require(vector(a) && vector(b), "two vectors of numbers")?;
        Ok(vec![TensorType::f32(&[a.len() + b.len()])])
    }

    /// As matrices of one row whose columns are joined.
    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let [a, b] = [0, 1].map(|i| out.operands[i].len());
        out.push(Kernel::join_columns, sizes(&[1, a, b]), vec![], out.in_order());
        Ok(())
    }
}
