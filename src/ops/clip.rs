//! Clipping: the squares of a gradient summed in a fixed order, in blocks where no binding holds it, and the clipped gradients.

use super::reduce::{sum_of_rows, sum_over_blocks};
use super::{Types, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Attributes, Bind, Launches, Operation, TensorType};
use crate::kernels::{Kernel, Param, SQUARE_SUM_PART};

/// `x -> [1]`: the sum of the squares of all elements.
#[derive(Debug)]
pub struct SquareSum;

/// `(grad, total [1]) -> grad * min(1, max / (sqrt(total) + 1e-6))`
#[derive(Debug)]
pub struct ClipNorm {
    /// The greatest norm.
    pub max: f64,
}

/// `grad -> min(max(grad, -limit), limit)`
#[derive(Debug)]
pub struct ClipValue {
    /// The greatest magnitude.
    pub limit: f64,
}

impl Operation for SquareSum {
    fn name(&self) -> String {
        "square_sum".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        operands(types).map(|[_]| vec![TensorType::f32(&[1])])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        sum_over_blocks(out, squares_of)
    }
}

/// The sum of the squares of what one binding holds: one pass, and the sum of its parts.
fn squares_of(out: &mut Launches<'_>, from: Bind, len: usize, to: Bind) {
    let parts = len.div_ceil(SQUARE_SUM_PART);
    let name = format!("{}.partial", out.label);
    let sums = if parts == 1 { to } else { out.scratch(name, &[parts, 1]).into() };
    out.push_parts(Kernel::square_sum, sizes(&[len]), vec![], vec![from, sums]);
    if parts > 1 {
        sum_of_rows(out, sums, [parts, 1], to);
    }
}

impl Operation for ClipNorm {
    fn name(&self) -> String {
        "clip_norm".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("max", self.max)]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, total] = operands(types)?;
        require(total.shape == [1], "one number, the sum of all squares, as second operand")?;
        Ok(vec![x.clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let params = vec![Param::U(out.operands[0].len() as u32), Param::F(self.max)];
        out.push(Kernel::clip_norm, params, vec![], out.in_order());
        Ok(())
    }
}

impl Operation for ClipValue {
    fn name(&self) -> String {
        "clip_value".into()
    }

    fn attributes(&self) -> Attributes {
        vec![("limit", self.limit)]
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        operands(types).map(|[x]| vec![x.clone()])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let params = vec![Param::U(out.operands[0].len() as u32), Param::F(self.limit)];
        out.push(Kernel::clip_value, params, vec![], out.in_order());
        Ok(())
    }
}
