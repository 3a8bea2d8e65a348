//! The rows of a batch, taken from a data set.

use super::{Types, operands, require};
use crate::error::Result;
use crate::graph::launch::sizes;
use crate::graph::{Dtype, Launches, Operation, Place, TensorType};
use crate::kernels::Kernel;

/// `(data [n, cols], index [rows]) -> [rows, cols]`: y\[i\] = data\[index\[i\]\]
#[derive(Debug)]
pub struct Gather;

impl Operation for Gather {
    fn name(&self) -> String {
        "gather".into()
    }

    fn results(&self, types: &[&TensorType]) -> Types {
        let [data, index] = operands(types)?;
        require(index.dtype == Dtype::U32 && index.shape.len() == 1, "a vector of indices as second operand")?;
        let mut shape = data.shape.clone();
        shape[0] = index.shape[0];
        Ok(vec![TensorType { shape, dtype: data.dtype, stepped: false }])
    }

    fn launches(&self, out: &mut Launches<'_>) -> Result<()> {
        let (rows, cols) = out.results[0].rows_cols();
        let words = vec![("VEC", f64::from(cols.is_multiple_of(4)))];
        let places = vec![Place::Step, Place::Operand(1), Place::Operand(0), Place::Result(0)];
        out.push(Kernel::gather_rows, sizes(&[rows, cols, out.operands[1].stride()]), words, places);
        Ok(())
    }

    fn reads_tables(&self, operand: usize) -> bool {
        operand == 1
    }
}
