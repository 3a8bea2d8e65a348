//! Matrix products.

use super::product::{divided, too_deep};
use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::{Backward, Gradients, Launches, Operation, TensorType};
use crate::target::Target;

/// `(a, b) -> op(a) · op(b)`; true transposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatMul {
    /// Whether a is transposed.
    pub trans_a: bool,
    /// Whether b is transposed.
    pub trans_b: bool,
}

impl MatMul {
    /// m, n, k of the product of operands of these types.
    pub fn sizes(self, a: &TensorType, b: &TensorType) -> [usize; 3] {
        let ((a0, a1), (b0, b1)) = (a.rows_cols(), b.rows_cols());
        let (m, k) = if self.trans_a { (a1, a0) } else { (a0, a1) };
        [m, if self.trans_b { b0 } else { b1 }, k]
    }

    /// Whether one launch can hold the product of operands of these types.
    pub fn fits(self, a: &TensorType, b: &TensorType, target: &Target) -> bool {
        let [m, n, k] = self.sizes(a, b);
        let max = target.limits.binding_elements();
        let small = [a.len(), b.len(), m * n].into_iter().all(|len| len <= max);
        small && !too_deep(target, [m, n, k], [self.trans_a, self.trans_b])
    }
}

impl Operation for MatMul {
    fn name(&self) -> String {
        let letter = |t: bool| if t { 't' } else { 'n' };
        format!("matmul.{}{}", letter(self.trans_a), letter(self.trans_b))
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [a, b] = operands(types)?;
        matrix(a)?;
        let (b0, b1) = matrix(b)?;
        let [m, n, k] = self.sizes(a, b);
        require(k == if self.trans_b { b1 } else { b0 }, "two matrices with equal inner sizes")?;
        Ok(vec![TensorType::f32(&[m, n])])
    }

    /// By a: dy · op(b)ᵀ, or its transpose where a was transposed; by b: op(a)ᵀ · dy, or its transpose.
    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        let MatMul { trans_a, trans_b } = *self;
        let [a, b] = [at.operand(0), at.operand(1)];
        let (by_a, operands) = match trans_a {
            true => (MatMul { trans_a: trans_b, trans_b: true }, [b, dy]),
            false => (MatMul { trans_a: false, trans_b: !trans_b }, [dy, b]),
        };
        let da = at.push_for(0, by_a, &operands, ".input.grad")?;
        let (by_b, operands) = match trans_b {
            true => (MatMul { trans_a: true, trans_b: trans_a }, [dy, a]),
            false => (MatMul { trans_a: !trans_a, trans_b: false }, [a, dy]),
        };
        Ok(vec![da, at.push_for(1, by_b, &operands, ".weight.grad")?])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let size = self.sizes(&out.operands[0], &out.operands[1]);
        divided(out, size, [self.trans_a, self.trans_b])
    }
}
