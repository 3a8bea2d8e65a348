//! Sums of two values, and vectors one behind the other.

use super::{ColumnSum, Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Dtype, Launches, Operand, Operation, Place, Tape, TensorType, Value};
use crate::kernels::Kernel;
use crate::target::Target;

/// `(a, b) -> a + b`, equal shapes.
#[derive(Debug)]
pub struct Add;

/// `(x [m, n], b [n]) -> [m, n]`
#[derive(Debug)]
pub struct AddBias;

/// `(a [n], b [m]) -> [n + m]`: one behind the other.
#[derive(Debug)]
pub struct Concat;

const THREE: [Place; 3] = [Place::Operand(0), Place::Operand(1), Place::Result(0)];

impl Operation for Add {
    fn name(&self) -> String {
        "add".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [a, b] = operands(types)?;
        require(a.is_like(b), "two operands of the same shape")?;
        Ok(vec![a.clone().stepped(false)])
    }

    fn gradient(
        &self,
        tape: &mut Tape<'_>,
        node: usize,
        dy: &[Option<Value>],
        _: &[bool],
    ) -> Result<Vec<Option<Value>>> {
        let dy = tape.upstream(node, dy)?;
        Ok(vec![Some(dy), Some(dy)])
    }

    fn launches(&self, _: &[Operand], results: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        out.push(Kernel::add, sizes(&[results[0].len()]), vec![], THREE.to_vec());
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

    fn gradient(
        &self,
        tape: &mut Tape<'_>,
        node: usize,
        dy: &[Option<Value>],
        wants: &[bool],
    ) -> Result<Vec<Option<Value>>> {
        let dy = tape.upstream(node, dy)?;
        let label = format!("{}.bias.grad", tape.node(node).label);
        let bias = wants[1].then(|| tape.push(ColumnSum, &[dy], &label)).transpose()?;
        Ok(vec![Some(dy), bias])
    }

    fn launches(&self, _: &[Operand], results: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        let (rows, cols) = results[0].rows_cols();
        out.push(Kernel::add_bias, sizes(&[rows, cols]), vec![], THREE.to_vec());
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
    fn launches(&self, inputs: &[Operand], _: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        out.push(Kernel::join_columns, sizes(&[1, inputs[0].len(), inputs[1].len()]), vec![], THREE.to_vec());
        Ok(())
    }
}
