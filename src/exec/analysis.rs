//! Running error analysis: a plan in `f64`, with a bound on the error of an `f32` execution carried beside every value.
//!
//! Each dispatch first runs the row's CPU function in `f64`, then the row's `bound` function on the operands' values and
//! errors. The result is, for every element of every arena, a bound on |f32 execution - exact| that holds for any
//! conforming device. Source of the method: J. H. Wilkinson, "Rounding Errors in Algebraic Processes" (1963); Higham,
//! "Accuracy and Stability of Numerical Algorithms", section 3.3 (running error analysis).

use crate::error::{Error, Result};
use crate::kernels::{Access, BoundCall, Call, Dtype, In, Measured, Out};
use crate::plan::{Dispatch, Plan, Range};

/// Values and error bounds of every arena of one plan.
pub struct Analysis {
    plan: Plan,
    arenas: Vec<Measured>,
}

impl Analysis {
    /// All zeros, without errors.
    pub fn new(plan: &Plan) -> Analysis {
        let zeros = |len: usize| Measured { value: vec![0.0; len], error: vec![0.0; len] };
        Analysis { plan: plan.clone(), arenas: plan.arenas.iter().map(|a| zeros(a.len)).collect() }
    }

    fn range(&self, name: &str) -> Result<Range> {
        let found = self.plan.buffer(name).map(|b| b.range);
        found.ok_or_else(|| Error::Internal(format!("plan {} has no buffer {name}", self.plan.name)))
    }

    /// Writes values that the device holds exactly, or with the given error in each.
    ///
    /// # Errors
    /// [`Error::Internal`] for an unknown buffer.
    pub fn write(&mut self, name: &str, values: &[f64], error: Option<&[f64]>) -> Result<()> {
        let r = self.range(name)?;
        let arena = &mut self.arenas[r.arena];
        arena.value[r.offset..r.offset + values.len()].copy_from_slice(values);
        match error {
            Some(error) => arena.error[r.offset..r.offset + error.len()].copy_from_slice(error),
            None => arena.error[r.offset..r.offset + values.len()].fill(0.0),
        }
        Ok(())
    }

    /// Values and bounds of a buffer.
    ///
    /// # Errors
    /// [`Error::Internal`] for an unknown buffer.
    pub fn read(&self, name: &str) -> Result<Measured> {
        Ok(self.at(self.range(name)?))
    }

    fn at(&self, r: Range) -> Measured {
        let arena = &self.arenas[r.arena];
        let part = r.offset..r.offset + r.len;
        Measured { value: arena.value[part.clone()].to_vec(), error: arena.error[part].to_vec() }
    }

    /// Runs one step.
    pub fn step(&mut self) {
        for dispatch in &self.plan.dispatches.clone() {
            self.dispatch(dispatch);
        }
    }

    fn dispatch(&mut self, dispatch: &Dispatch) {
        let row = dispatch.kernel.row();
        let of = |read: bool| {
            let pairs = row.bindings.iter().zip(&dispatch.bindings);
            pairs.filter(move |(b, _)| (b.access == Access::Read) == read).map(|(_, r)| *r)
        };
        let inputs: Vec<Measured> = of(true).map(|r| self.at(r)).collect();
        let before: Vec<Measured> = of(false).map(|r| self.at(r)).collect();
        let after = self.evaluate(dispatch, &inputs, &before);
        let errors = (row.bound)(&BoundCall { args: &dispatch.args, inputs: &inputs, before: &before, after: &after });
        for ((r, value), error) in of(false).zip(after).zip(errors) {
            let arena = &mut self.arenas[r.arena];
            arena.value[r.offset..r.offset + r.len].copy_from_slice(&value);
            arena.error[r.offset..r.offset + r.len].copy_from_slice(&error);
        }
    }

    /// The written bindings after the kernel's CPU function in `f64`.
    fn evaluate(&self, dispatch: &Dispatch, inputs: &[Measured], before: &[Measured]) -> Vec<Vec<f64>> {
        let row = dispatch.kernel.row();
        let dtype = |r: &Range| self.plan.arenas[r.arena].dtype;
        let words = |m: &Measured| m.value.iter().map(|v| *v as u32).collect::<Vec<u32>>();
        let mut after: Vec<Vec<f64>> = before.iter().map(|m| m.value.clone()).collect();
        let pairs = || row.bindings.iter().zip(&dispatch.bindings);
        let read_types: Vec<Dtype> = pairs().filter(|(b, _)| b.access == Access::Read).map(|(_, r)| dtype(r)).collect();
        let write_types: Vec<Dtype> =
            pairs().filter(|(b, _)| b.access != Access::Read).map(|(_, r)| dtype(r)).collect();
        let read_words: Vec<Vec<u32>> = inputs.iter().map(words).collect();
        let mut write_words: Vec<Vec<u32>> = before.iter().map(words).collect();
        let ins: Vec<In<'_, f64>> = inputs
            .iter()
            .zip(&read_words)
            .zip(&read_types)
            .map(|((m, w), t)| if *t == Dtype::F32 { In::F(&m.value) } else { In::U(w) })
            .collect();
        let mut outs: Vec<Out<'_, f64>> = after
            .iter_mut()
            .zip(&mut write_words)
            .zip(&write_types)
            .map(|((v, w), t)| if *t == Dtype::F32 { Out::F(v) } else { Out::U(w) })
            .collect();
        (row.cpu_f64)(&mut Call { args: &dispatch.args, inputs: &ins, outputs: &mut outs });
        drop(outs);
        for ((value, word), t) in after.iter_mut().zip(&write_words).zip(&write_types) {
            if *t == Dtype::U32 {
                *value = word.iter().map(|w| f64::from(*w)).collect();
            }
        }
        after
    }
}
