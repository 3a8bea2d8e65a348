//! Layers beside dense ones: dropout and the normalising layers, a dispatch each.

use super::{Lowering, Slot, sizes, unsupported};
use crate::error::Result;
use crate::graph::{Op, Value};
use crate::kernels::dropout::threshold_scale;
use crate::kernels::{Kernel, Param, row_lanes};

impl Lowering<'_> {
    pub(super) fn layer(&mut self, node: usize) -> Result<()> {
        let n = &self.graph.nodes[node];
        let inputs = n.inputs.iter().map(|v| self.slot(*v)).collect::<Result<Vec<Slot>>>()?;
        let results: Vec<Slot> = (0..n.results.len()).map(|result| self.result(Value { node, result })).collect();
        // The matrix that is worked on comes first, but for the gradients, where it comes second and has the same shape.
        let (rows, cols) = self.graph.ty(n.inputs[0]).rows_cols();
        let mut params = sizes(&[rows, cols]);
        let (step, mut constants) = (Slot::Fixed(self.step), vec![]);
        let (kernel, bindings) = match n.op {
            Op::Dropout { p, layer } => {
                let (threshold, scale) = threshold_scale(p);
                params = sizes(&[rows * cols, 0]);
                params.extend([Param::U(layer), Param::U(threshold), Param::F(scale)]);
                (Kernel::dropout, vec![step, inputs[1], inputs[0], results[0]])
            }
            Op::LayerNorm { eps } => {
                params.push(Param::F(eps));
                constants.push(("LANES", row_lanes(cols) as f64));
                (Kernel::layer_norm, [inputs, results].concat())
            }
            Op::LayerNormGrad { eps } => {
                params.push(Param::F(eps));
                constants.push(("LANES", row_lanes(cols) as f64));
                (Kernel::layer_norm_grad, [inputs, results].concat())
            }
            Op::BatchMoments { momentum } => {
                // 1 - momentum is taken in f64, as the optimizers' 1 - beta.
                params.extend([Param::F(momentum), Param::F(1.0 - momentum)]);
                let [x, count, running @ ..] = &inputs[..] else { return Err(unsupported(n, "its operands")) };
                (Kernel::batch_moments, [&[step, *count, *x], &results[..], running].concat())
            }
            Op::BatchNorm { eps } => {
                params.push(Param::F(eps));
                (Kernel::batch_norm, [inputs, results].concat())
            }
            Op::BatchNormGrad { eps } => {
                params.push(Param::F(eps));
                constants.push(("BATCH", f64::from(inputs.len() == 6)));
                // The binding must exist; without the batch's moments the kernel does not touch it.
                let counted = inputs.get(5).copied().unwrap_or(step);
                let bindings = [&inputs[..4], &[counted, inputs[4]], &results[..]].concat();
                (Kernel::batch_norm_grad, bindings)
            }
            _ => return Err(unsupported(n, "a layer of this kind")),
        };
        self.emit(kernel, &n.label, params, constants, bindings)
    }
}
