//! What one element of a result was made from: for each operand, the numbers that go into that element.

use super::{Held, part};
use crate::compare::number;
use crate::kernels::{Access, Dtype};
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
    /// The operands of element `at` of the written range.
    pub(super) fn operands(&self, dispatch: &Dispatch, written: Range, at: usize) -> Vec<Operand> {
        let bindings = dispatch.kernel.bindings;
        let pairs = bindings.iter().zip(&dispatch.bindings).enumerate();
        let read = pairs.filter(|(_, (b, _))| b.access != Access::Write && b.dtype == Dtype::F32 && b.name != "log");
        let operand = |(i, (binding, range)): (usize, (&crate::kernels::definition::Binding, &Range))| {
            let values = if binding.access == Access::Update { part(&self.before, *range) } else { self.seen(*range) };
            let picked = picked(dispatch, i, values.len(), written.len, at);
            let of = picked.max_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()));
            let largest = of?;
            let count = picked_count(dispatch, i, values.len(), written.len, at);
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

fn picked_count(dispatch: &Dispatch, binding: usize, len: usize, written: usize, at: usize) -> usize {
    picked(dispatch, binding, len, written, at).count()
}

/// Which of the `len` elements of a read binding go into element `at` of a result of `written` elements. Where the
/// kernel's shapes do not say, all of them.
fn picked(
    dispatch: &Dispatch,
    binding: usize,
    len: usize,
    written: usize,
    at: usize,
) -> Box<dyn Iterator<Item = usize>> {
    let args = &dispatch.args;
    let line = |from: usize, step: usize, count: usize| {
        let all = (0..count).map(move |i| from + i * step).filter(move |i| *i < len);
        Box::new(all) as Box<dyn Iterator<Item = usize>>
    };
    if let Some(parts) = dispatch.kernel.parts {
        let [from, step, count] = parts(args, binding, at);
        return line(from, step, count);
    }
    let by_rows = dispatch.kernel.params.starts_with(&["rows", "cols"]);
    let cols = if by_rows { args.size(1).max(1) } else { 1 };
    let rows = if by_rows { args.size(0) } else { 0 };
    match (by_rows, len) {
        // A whole row decides a loss, and an element of a softmax or of a loss's gradient.
        (true, len) if len == rows * cols && written == rows => line(at * cols, 1, cols),
        (true, len) if len == rows * cols => line(at / cols * cols, 1, cols),
        (true, len) if len == rows && written == rows => line(at, 1, 1),
        (true, len) if len == rows && written == rows * cols => line(at / cols, 1, 1),
        (_, len) if len == written => line(at, 1, 1),
        (true, len) if len == cols => line(at % cols, 1, 1),
        _ => line(0, 1, len),
    }
}
