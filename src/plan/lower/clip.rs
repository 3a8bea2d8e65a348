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
            _ => {
                return self.sum_over_blocks(n.inputs[0], y, &n.label, |lowering, from, sum| {
                    lowering.squares_of(&n.label, from, sum);
                });
            }
        };
        let mut bindings = n.inputs.iter().map(|input| self.slot(*input)).collect::<Result<Vec<_>>>()?;
        bindings.push(self.result(y));
        let params = vec![Param::U(n.results[0].len() as u32), Param::F(most)];
        self.emit(kernel, &n.label, params, vec![], bindings)
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
