//! Dropout.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Backward, Gradients, Launches, Operation, Place, RANDOM_COLUMNS, TensorType};
use crate::kernels::dropout::threshold_scale;
use crate::kernels::{Kernel, Param};

/// `(x, random [4]) -> x / (1 - p)` where the element is kept, 0 elsewhere. Also its own gradient, on dy.
#[derive(Debug, Clone)]
pub struct Dropout {
    /// The share of elements that are dropped.
    pub p: f64,
    /// Tells the masks of several layers apart.
    pub layer: u32,
}

impl Operation for Dropout {
    fn name(&self) -> String {
        format!("dropout {} {}", self.p, self.layer)
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [x, random] = operands(types)?;
        matrix(x)?;
        require((0.0..1.0).contains(&self.p), "a share of at least 0 and below 1")?;
        require(random.is_like(&TensorType::u32(&[RANDOM_COLUMNS])), "a row of the table of random numbers")?;
        Ok(vec![x.clone()])
    }

    /// The same mask on dy: the operation is linear, and its own transpose.
    fn gradient(&self, at: &mut Backward<'_, '_>) -> Gradients {
        let dy = at.dy()?;
        let random = at.operand(1);
        Ok(vec![Some(at.push(self.clone(), &[dy, random], ".grad")?), None])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (threshold, scale) = threshold_scale(self.p);
        let mut params = sizes(&[out.results[0].len(), 0]);
        params.extend([Param::U(self.layer), Param::U(threshold), Param::F(scale)]);
        let places = vec![Place::Step, Place::Operand(1), Place::Operand(0), Place::Result(0)];
        out.push(Kernel::dropout, params, vec![], places);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 1
    }
}
