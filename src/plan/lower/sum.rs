//! Two values made one: sums, and vectors one behind the other.

use super::{Lowering, sizes};
use crate::error::Result;
use crate::graph::{Op, Value};
use crate::kernels::Kernel;

impl Lowering<'_> {
    /// A sum, of equal shapes or of a matrix and a row.
    pub(super) fn sum(&mut self, node: usize) -> Result<()> {
        let n = &self.graph.nodes[node];
        let (rows, cols) = n.results[0].rows_cols();
        let (kernel, params) = match n.op {
            Op::Add => (Kernel::add, sizes(&[rows * cols])),
            _ => (Kernel::add_bias, sizes(&[rows, cols])),
        };
        let [a, b] = [n.inputs[0], n.inputs[1]];
        let bindings = vec![self.slot(a)?, self.slot(b)?, self.result(Value { node, result: 0 })];
        self.emit(kernel, &n.label, params, vec![], bindings)
    }

    /// As matrices of one row whose columns are joined.
    pub(super) fn concat(&mut self, node: usize) -> Result<()> {
        let n = &self.graph.nodes[node];
        let [a, b] = [n.inputs[0], n.inputs[1]];
        let params = sizes(&[1, self.graph.ty(a).len(), self.graph.ty(b).len()]);
        let bindings = vec![self.slot(a)?, self.slot(b)?, self.result(Value { node, result: 0 })];
        self.emit(Kernel::join_columns, &n.label, params, vec![], bindings)
    }
}
