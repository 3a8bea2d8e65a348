//! Sums: over the rows of a matrix, and of a batch's losses.

use super::product::{Parts, row_blocks};
use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Backward, Bind, Gradients, Launches, Operation, Place, TensorType};
use crate::kernels::{COL_SUM_ROWS, Kernel};

/// `x [m, n] -> [n]`
#[derive(Debug)]
pub struct ColumnSum;

/// `(x [n], weight [n]) -> [1]`: sum of weight * x. With weights 1 / batch this is the batch's mean. The result is logged, a
/// number a step, and the step counter moves on.
#[derive(Debug)]
pub struct WeightedSum;

impl Operation for ColumnSum {
    fn name(&self) -> String {
        "column_sum".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x] = operands(types)?;
        let (_, cols) = matrix(x)?;
        Ok(vec![TensorType::f32(&[cols])])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (_, cols) = out.operands[0].rows_cols();
        sum_over_blocks(out, |out, from, rows, to| {
            sum_of_rows(out, from, [rows / cols, cols], to);
        })
    }
}

impl Operation for WeightedSum {
    fn name(&self) -> String {
        "weighted_sum".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, weight] = operands(types)?;
        require(x.is_like(weight) && x.shape.len() == 1, "one weight for each element")?;
        Ok(vec![TensorType::f32(&[1]).stepped(true)])
    }

    /// At the root, whose own gradient is 1, the gradient is the weights, with nothing to compute.
    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        match at.dy[0] {
            None => Ok(vec![Some(at.operand(1)), None]),
            Some(_) => Err(at.no_rule()),
        }
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let places = vec![Place::Operand(0), Place::Operand(1), Place::Result(0), Place::Step];
        let [x, weight] = [0, 1].map(|i| &out.operands[i]);
        out.push(Kernel::weighted_sum, sizes(&[x.len(), weight.stride()]), vec![], places);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 1
    }
}

/// A sum over the rows of operand 0, which `sum_of` takes of a part (with its number of elements) and puts into another; where no
/// binding holds all rows, over blocks of them, whose sums are added in rising order.
pub(super) fn sum_over_blocks(
    out: &mut Launches<'_>,
    sum_of: impl Fn(&mut Launches<'_>, Bind, usize, Bind),
) -> Result<()> {
    let ((rows, cols), len_of_y) = (out.operands[0].rows_cols(), out.results[0].len());
    let to = Bind::from(Place::Result(0));
    let blocks = row_blocks(out, [rows, cols])?;
    let mut sum = Parts::new([1, len_of_y], blocks.len(), to);
    for block in &blocks {
        let len = block.len() * cols;
        let from = Bind { place: Place::Operand(0), first: block.start * cols, len: Some(len) };
        let one = sum.place(out);
        sum_of(out, from, len, one);
        sum.add(out, one);
    }
    Ok(())
}

/// Passes of `col_sum` until one row is left.
pub(super) fn sum_of_rows(out: &mut Launches<'_>, mut from: Bind, [mut rows, cols]: [usize; 2], to: Bind) {
    loop {
        let parts = rows.div_ceil(COL_SUM_ROWS);
        let name = format!("{}.partial", out.label);
        let sums = if parts == 1 { to } else { out.scratch(name, &[parts, cols]).into() };
        out.push_parts(Kernel::col_sum, sizes(&[rows, cols, COL_SUM_ROWS]), vec![], vec![from, sums]);
        if parts == 1 {
            return;
        }
        (rows, from) = (parts, sums);
    }
}
