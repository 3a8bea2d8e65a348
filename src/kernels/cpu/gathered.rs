//! Kernels that read an operand's rows from a data set, by this step's row of the index table: their first two inputs are
//! `step` and `index`, the others are those of the kernel that reads the operand itself. Only the judge and tests run them
//! in this way, with a copy: the CPU device gathers in a kernel of its own.

use crate::kernels::definition::{BoundCall, Call, In, Measured, Out};
use crate::kernels::scalar::Scalar;

/// An operand that is gathered.
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// Its place among the inputs behind `step` and `index`.
    pub position: usize,
    /// Rows of the batch.
    pub rows: usize,
    /// Columns of the data set.
    pub cols: usize,
}

/// Runs `kernel` on the gathered operand.
pub fn call<T: Scalar>(call: &mut Call<'_, '_, T>, operand: Operand, kernel: fn(&mut Call<'_, '_, T>)) {
    let first = call.inputs[0].u()[0] as usize * call.args.size(3);
    let index = &call.inputs[1].u()[first..first + operand.rows];
    let data = call.inputs[2 + operand.position].f();
    let row = |&row: &u32| &data[row as usize * operand.cols..][..operand.cols];
    let gathered: Vec<T> = index.iter().flat_map(row).copied().collect();
    let mut inputs: Vec<In<'_, T>> = call.inputs[2..].to_vec();
    inputs[operand.position] = In::F(&gathered);
    let mut outputs: Vec<Out<'_, T>> = Vec::with_capacity(call.outputs.len());
    for output in call.outputs.iter_mut() {
        outputs.push(match output {
            Out::F(v) => Out::F(v),
            Out::U(v) => Out::U(v),
        });
    }
    kernel(&mut Call { args: call.args, inputs: &inputs, outputs: &mut outputs });
}

/// Bounds the error by `bound` on the gathered operand: gathering rounds nothing.
pub fn bound(call: &BoundCall<'_>, operand: Operand, bound: impl Fn(&BoundCall<'_>) -> Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let first = call.inputs[0].value[0] as usize * call.args.size(3);
    let index = &call.inputs[1].value[first..first + operand.rows];
    let gather = |values: &[f64]| {
        let row = |row: &f64| &values[*row as usize * operand.cols..][..operand.cols];
        index.iter().flat_map(row).copied().collect::<Vec<f64>>()
    };
    let mut inputs = call.inputs[2..].to_vec();
    let data = &call.inputs[2 + operand.position];
    inputs[operand.position] = Measured { value: gather(&data.value), error: gather(&data.error) };
    bound(&BoundCall { args: call.args, inputs: &inputs, before: call.before, after: call.after })
}
