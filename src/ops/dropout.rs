//! Dropout.

use super::{Types, matrix, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Launches, Operand, Operation, Place, RANDOM_COLUMNS, Tape, TensorType, Value};
use crate::kernels::dropout::threshold_scale;
use crate::kernels::{Kernel, Param};
use crate::target::Target;

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
    fn gradient(
        &self,
        tape: &mut Tape<'_>,
        node: usize,
        dy: &[Option<Value>],
        _: &[bool],
    ) -> Result<Vec<Option<Value>>> {
        let dy = tape.upstream(node, dy)?;
        let (random, label) = (tape.node(node).inputs[1], format!("{}.grad", tape.node(node).label));
        Ok(vec![Some(tape.push(self.clone(), &[dy, random], &label)?), None])
    }

    fn launches(&self, _: &[Operand], results: &[Operand], _: &Target, out: &mut Launches) -> Result<()> {
        let (threshold, scale) = threshold_scale(self.p);
        let mut params = sizes(&[results[0].len(), 0]);
        params.extend([Param::U(self.layer), Param::U(threshold), Param::F(scale)]);
        let places = vec![Place::Step, Place::Operand(1), Place::Operand(0), Place::Result(0)];
        out.push(Kernel::dropout, params, vec![], places);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 1
    }
}
