//! Running error analysis: a plan in `f64`, with a bound on the error of an `f32` execution carried beside every value.
//!
//! Each dispatch first runs the row's CPU function in `f64`, then the row's `bound` function on the operands' values and
//! errors. The result is, for every element of every arena, a bound on |f32 execution - exact| that holds for any
//! conforming device. Source of the method: J. H. Wilkinson, "Rounding Errors in Algebraic Processes" (1963); Higham,
//! "Accuracy and Stability of Numerical Algorithms", section 3.3 (running error analysis).

use crate::error::Result;
use crate::kernels::bound::{TINY, flushable};
use crate::kernels::{Access, BoundCall, Call, Dtype, In, Measured, Out};
use crate::plan::{Dispatch, Plan, Range, Role};

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

    /// The plan that is analysed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Writes values that the device holds exactly, or with the given error in each.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] for an unknown buffer.
    pub fn write(&mut self, role: impl Into<Role>, values: &[f64], error: Option<&[f64]>) -> Result<()> {
        let r = self.plan.range(role)?;
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
    /// [`crate::Error::Internal`] for an unknown buffer.
    pub fn read(&self, role: impl Into<Role>) -> Result<Measured> {
        Ok(self.at(self.plan.range(role)?))
    }

    /// Values and bounds of a range.
    pub fn at(&self, range: Range) -> Measured {
        let (arena, at) = (&self.arenas[range.arena], range.offset..range.offset + range.len);
        Measured { value: arena.value[at.clone()].to_vec(), error: arena.error[at].to_vec() }
    }

    /// Runs one step.
    pub fn step(&mut self) {
        for i in 0..self.plan.dispatches.len() {
            let written = analyse(&self.plan, i, |range| self.at(range));
            for (r, m) in written {
                let arena = &mut self.arenas[r.arena];
                arena.value[r.offset..r.offset + r.len].copy_from_slice(&m.value);
                arena.error[r.offset..r.offset + r.len].copy_from_slice(&m.error);
            }
        }
    }
}

/// Runs dispatch number `i` of `plan` in `f64` on the operands that `get` gives, and bounds the error of the same dispatch
/// in `f32`. Returns every written range with values and bounds.
pub fn analyse(plan: &Plan, i: usize, get: impl Fn(Range) -> Measured) -> Vec<(Range, Measured)> {
    let dispatch = &plan.dispatches[i];
    let row = dispatch.kernel;
    let inputs: Vec<Measured> = ranges(dispatch, true).map(|r| flushable(get(r))).collect();
    let before: Vec<Measured> = ranges(dispatch, false).map(|r| flushable(get(r))).collect();
    let after = evaluate(plan, dispatch, &inputs, &before);
    let errors = (row.bound)(&BoundCall { args: &dispatch.args, inputs: &inputs, before: &before, after: &after });
    let measured = after.into_iter().zip(errors).map(|(value, error)| Measured { value, error });
    ranges(dispatch, false).zip(measured).collect()
}

/// A bound that exceeds the numbers around it this many times lets anything pass. One that exceeds them a little may be right: next to
/// a kink a derivative is one of two numbers.
const BEYOND: f64 = 1024.0;

/// An error of this share of every operand changes the results more than any rounding of a kernel may.
const OPERAND_SHARE: f64 = 1.0 / 256.0;

/// For every range of [`analyse`]'s `written`, at which elements its bound is *blind*: it exceeds a thousand times every number that the
/// dispatch reads and writes, so that no error would show, and not because of what it reads, for it would not grow even if every operand
/// were uncertain by 1/256. (A sum that cancels may be far smaller than its bound; that bound grows.) Empty for a range whose
/// bound sees most elements.
pub fn blind(plan: &Plan, i: usize, get: impl Fn(Range) -> Measured, written: &[(Range, Measured)]) -> Vec<Vec<bool>> {
    let dispatch = &plan.dispatches[i];
    let is_number = |r: &Range| plan.arenas[r.arena].dtype == Dtype::F32;
    let uncertain = |r: Range| {
        let Measured { value, mut error } = get(r);
        if is_number(&r) {
            error = value.iter().map(|v| v.abs() * OPERAND_SHARE).collect();
        }
        Measured { value, error }
    };
    let inputs: Vec<Measured> = ranges(dispatch, true).map(uncertain).collect();
    let before: Vec<Measured> = ranges(dispatch, false).map(uncertain).collect();
    let after: Vec<Vec<f64>> = written.iter().map(|(_, m)| m.value.clone()).collect();
    let updated = dispatch.kernel.bindings.iter().filter(|b| b.access != Access::Read).zip(&before);
    let read = ranges(dispatch, true).zip(&inputs).filter(|(r, _)| is_number(r)).map(|(_, m)| &m.value);
    let read = read.chain(updated.filter(|(b, _)| b.access == Access::Update).map(|(_, m)| &m.value));
    // Where all is 0 or close to it, what flushed denormals cost, a few of them for each number, is no fault of the bound.
    let numbers = ranges(dispatch, true).chain(ranges(dispatch, false)).map(|r| r.len).sum::<usize>();
    let denormals = 1024.0 * (1.0 + numbers as f64) * TINY;
    let largest = read.chain(&after).flatten().fold(denormals, |largest, v| largest.max(v.abs()));
    let exceeds = |m: &Measured| m.error.iter().map(|e| *e > BEYOND * largest).collect::<Vec<bool>>();
    let mut blind: Vec<Vec<bool>> = written.iter().map(|(_, m)| exceeds(m)).collect();
    if blind.iter().all(|elements| !most(elements)) {
        return vec![Vec::new(); blind.len()];
    }
    let call = BoundCall { args: &dispatch.args, inputs: &inputs, before: &before, after: &after };
    for ((elements, (_, own)), grown) in blind.iter_mut().zip(written).zip((dispatch.kernel.bound)(&call)) {
        for ((element, own), grown) in elements.iter_mut().zip(&own.error).zip(grown) {
            *element &= grown <= 2.0 * own;
        }
    }
    blind
}

/// Whether more than half are true.
pub fn most(elements: &[bool]) -> bool {
    2 * elements.iter().filter(|element| **element).count() > elements.len()
}

/// The dispatch's read ranges, or its written ones, in the row's order.
fn ranges(dispatch: &Dispatch, read: bool) -> impl Iterator<Item = Range> {
    let pairs = dispatch.kernel.bindings.iter().zip(&dispatch.bindings);
    pairs.filter(move |(b, _)| (b.access == Access::Read) == read).map(|(_, r)| *r)
}

/// The written bindings after the kernel's CPU function in `f64`.
fn evaluate(plan: &Plan, dispatch: &Dispatch, inputs: &[Measured], before: &[Measured]) -> Vec<Vec<f64>> {
    let indices = |r: Range| plan.arenas[r.arena].dtype == Dtype::U32;
    let words = |m: &Measured| m.value.iter().map(|v| *v as u32).collect::<Vec<u32>>();
    let mut after: Vec<Vec<f64>> = before.iter().map(|m| m.value.clone()).collect();
    let read_words: Vec<Vec<u32>> = inputs.iter().map(words).collect();
    let mut write_words: Vec<Vec<u32>> = before.iter().map(words).collect();
    let read = ranges(dispatch, true).zip(inputs).zip(&read_words);
    let ins: Vec<In<'_, f64>> = read.map(|((r, m), w)| if indices(r) { In::U(w) } else { In::F(&m.value) }).collect();
    let written = ranges(dispatch, false).zip(&mut after).zip(&mut write_words);
    let mut outs: Vec<Out<'_, f64>> =
        written.map(|((r, v), w)| if indices(r) { Out::U(w) } else { Out::F(v) }).collect();
    (dispatch.kernel.cpu_f64)(&mut Call { args: &dispatch.args, inputs: &ins, outputs: &mut outs });
    drop(outs);
    for ((_, value), word) in
        ranges(dispatch, false).zip(&mut after).zip(&write_words).filter(|((r, _), _)| indices(*r))
    {
        *value = word.iter().map(|w| f64::from(*w)).collect();
    }
    after
}
