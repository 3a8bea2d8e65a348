//! Clipping: the squares of a gradient summed in a fixed order, in blocks where no binding holds it, and the clipped gradients.

use super::cut::Part;
use super::{Lowering, sizes};
use crate::error::Result;
use crate::graph::{Op, Value};
use crate::kernels::{Args, Kernel, Param, SQUARE_SUM_PART};

impl Lowering<'_> {
    /// A node of `graph::clip`.
    pub(super) fn clipping(&mut self, node: usize) -> Result<()> {
        let n = &self.graph.nodes[node];
        let y = Value { node, result: 0 };
        let (kernel, most) = match n.op {
            Op::ClipNorm { max } => (Kernel::clip_norm, max),
            Op::ClipValue { limit } => (Kernel::clip_value, limit),
            _ => return self.square_sum(n.inputs[0], y, &n.label),
        };
        let mut bindings = n.inputs.iter().map(|input| self.slot(*input)).collect::<Result<Vec<_>>>()?;
        bindings.push(self.result(y));
        let params = vec![Param::U(n.results[0].len() as u32), Param::F(most)];
        self.emit(kernel, &n.label, params, vec![], bindings)
    }

    /// The sum of the squares of `x`: one number.
    fn square_sum(&mut self, x: Value, y: Value, label: &str) -> Result<()> {
        let (rows, cols) = self.graph.ty(x).rows_cols();
        let (from, to) = (self.slot(x)?, self.result(y));
        let to = self.whole(to);
        let blocks = self.row_blocks(label, from, [rows, cols])?;
        let mut sum = None;
        for (i, block) in blocks.iter().enumerate() {
            let from = Part { slot: from, first: block.start * cols, len: block.len() * cols };
            let one = if blocks.len() == 1 { to } else { self.block(format!("{label} part {i}"), 1, 1) };
            self.squares_of(label, from, one);
            sum = Some(match sum {
                None => one,
                Some(before) => {
                    let last = i + 1 == blocks.len();
                    let total = if last { to } else { self.block(format!("{label} parts 0..={i}"), 1, 1) };
                    self.push_add(label, before, one, total);
                    total
                }
            });
        }
        Ok(())
    }

    /// The sum of the squares of what one binding holds: one pass, and the sum of its parts.
    fn squares_of(&mut self, label: &str, from: Part, to: Part) {
        let parts = from.len.div_ceil(SQUARE_SUM_PART);
        let sums = if parts == 1 { to } else { self.block(format!("{label}.partial"), parts, 1) };
        self.push(Kernel::square_sum, label, Args { params: sizes(&[from.len]), constants: vec![] }, vec![from, sums]);
        if parts > 1 {
            self.sum_of_rows(label, sums, [parts, 1], to);
        }
    }
}
