//! What one element of a result was made from: for each operand, the numbers that go into that element.

use super::{Held, bound};
use crate::compare::number;
use crate::kernels::{Access, Binding, Dtype};
use crate::plan::{Dispatch, Range};
use serde::Serialize;

/// The part of an operand that went into one element.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operand {
    /// Name of the value.
    pub name: String,
    /// How many of its numbers went into the element.
    pub count: usize,
    /// The one of the largest magnitude.
    #[serde(with = "number")]
    pub largest: f64,
    /// Its position.
    pub element: Vec<usize>,
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Operand { name, count, largest, element } = self;
        match count {
            1 => write!(f, "{name} {element:?} = {}", short(*largest)),
            _ => write!(f, "{count} numbers of {name} (the largest {} at {element:?})", short(*largest)),
        }
    }
}

/// The digits that an `f32` has.
pub fn short(v: f64) -> String {
    let v = v as f32;
    if v == 0.0 || (1e-3..1e6).contains(&v.abs()) { v.to_string() } else { format!("{v:e}") }
}

/// Position of element `at` of a row-major tensor.
pub fn position(shape: &[usize], at: usize) -> Vec<usize> {
    let mut rest = at;
    let mut index: Vec<usize> = Vec::with_capacity(shape.len());
    for size in shape.iter().rev() {
        index.push(rest % (*size).max(1));
        rest /= (*size).max(1);
    }
    index.reverse();
    index
}

impl Held<'_> {
    /// The operands of element `at` of the range that dispatch number `number` has written.
    pub(super) fn operands(&self, number: usize, written: Range, at: usize) -> Vec<Operand> {
        let dispatch = &self.plan.dispatches[number];
        let read = bound(dispatch).enumerate();
        let read = read.filter(|(_, (b, _))| b.access != Access::Write && b.dtype == Dtype::F32 && b.name != "log");
        let operand = |(i, (binding, range)): (usize, (&Binding, &Range))| {
            let values = self.seen(number, *range);
            let picked = picked(dispatch, i, values.len(), written.len, at);
            let count = picked.clone().count();
            let largest = picked.max_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()))?;
            let (name, element) = self.name_of(*range, largest, binding.name);
            Some(Operand { name, count, largest: values[largest], element })
        };
        read.filter_map(operand).collect()
    }

    /// The named value that element `at` of a range belongs to, and its position there.
    fn name_of(&self, range: Range, at: usize, binding: &str) -> (String, Vec<usize>) {
        let at = range.offset + at;
        let holds = |r: Range| r.arena == range.arena && r.offset <= at && at < r.offset + r.len;
        match self.plan.buffers.iter().find(|b| holds(b.range)) {
            Some(b) => (b.name.clone(), position(&b.shape, at - b.range.offset)),
            None => (binding.to_string(), vec![at - range.offset]),
        }
    }
}

/// Which of the `len` elements of a read binding go into element `at` of a result of `written` elements. Where the
/// kernel's shapes do not say, all of them.
fn picked(
    dispatch: &Dispatch,
    binding: usize,
    len: usize,
    written: usize,
    at: usize,
) -> impl Iterator<Item = usize> + Clone {
    let args = &dispatch.args;
    let by_rows = dispatch.kernel.params.starts_with(&["rows", "cols"]);
    let cols = if by_rows { args.size(1).max(1) } else { 1 };
    let rows = if by_rows { args.size(0) } else { 0 };
    let [from, step, count] = match dispatch.kernel.parts {
        Some(parts) => parts(args, binding, at),
        // A whole row decides a loss, and an element of a softmax or of a loss's gradient.
        None if by_rows && len == rows * cols && written == rows => [at * cols, 1, cols],
        None if by_rows && len == rows * cols => [at / cols * cols, 1, cols],
        None if by_rows && len == rows && written == rows * cols => [at / cols, 1, 1],
        None if len == written => [at, 1, 1],
        None if by_rows && len == cols => [at % cols, 1, 1],
        None => [0, 1, len],
    };
    (0..count).map(move |i| from + i * step).filter(move |i| *i < len)
}
