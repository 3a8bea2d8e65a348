//! Joins launches of neighbouring nodes whose tensors lie one behind the other: the optimizer's over its arenas.

use super::super::Range;
use super::cut::Part;
use super::{Draft, Lowering, Slot};
use crate::kernels::{Extent, Param};
use crate::target::blocks::blocks;
use crate::target::{ALIGN_ELEMENTS, Constants, aligned};

/// Words of four that an invocation takes at most.
const MOST_WORDS: usize = 8;
/// Workgroups that a launch has at least where an invocation takes several words: some for each of a machine's cores.
const STRIP_GROUPS: usize = 16;

impl Lowering<'_> {
    /// Emits the launches that were held back, joined, each in pieces that fit a binding and a buffer.
    pub(super) fn join(&mut self) {
        let mut drafts = std::mem::take(&mut self.joining);
        drafts.sort_by_key(|d| d.bindings.iter().filter_map(offset).next_back());
        let mut joined: Vec<Draft> = Vec::new();
        for mut draft in drafts {
            // What lies between two tensors may be computed, too: it is padding.
            extend(&mut draft, aligned);
            match joined.last_mut().filter(|before| adjoins(before, &draft)) {
                Some(before) => {
                    let more = draft.args.size(0);
                    extend(before, |len| len + more);
                }
                None => joined.push(draft),
            }
        }
        joined.into_iter().for_each(|draft| self.in_pieces(draft));
    }

    /// Adds a joined launch in pieces that fit a binding and a buffer.
    fn in_pieces(&mut self, draft: Draft) {
        let most = (self.target.limits.binding_elements() / ALIGN_ELEMENTS * ALIGN_ELEMENTS).max(ALIGN_ELEMENTS);
        let cuts: Vec<usize> = draft.bindings.iter().flat_map(|part| self.cuts(part.slot)).collect();
        for piece in blocks(draft.args.size(0), most, &cuts) {
            let mut block = draft.block(&piece);
            block.args.constants.extend(self.strip(draft.kernel, piece.len()));
            self.drafts.push(block);
        }
    }

    /// Words that an invocation takes: as many as leave every core some workgroups, where an invocation costs more than its
    /// arithmetic.
    fn strip(&self, kernel: crate::kernels::Kernel, len: usize) -> Constants {
        let words = (len / (4 * 64 * STRIP_GROUPS)).clamp(1, MOST_WORDS);
        if self.target.strips && kernel.strips && words > 1 { vec![("WORDS", words as f64)] } else { vec![] }
    }
}

fn offset(part: &Part) -> Option<usize> {
    if let Slot::Fixed(range) = part.slot { Some(range.offset + part.first) } else { None }
}

/// Changes the number of elements of a launch.
fn extend(draft: &mut Draft, to: impl Fn(usize) -> usize) {
    let len = to(draft.args.size(0));
    draft.args.params[0] = Param::U(len as u32);
    let bindings = draft.bindings.iter_mut().zip(draft.kernel.bindings);
    for (part, _) in bindings.filter(|(_, b)| matches!(b.extent, Extent::Rows(_))) {
        part.len = len;
        if let Slot::Fixed(range) = &mut part.slot {
            range.len = len;
        }
    }
}

/// Whether `next` goes on where `before` ends, in every binding that they do not share, and is computed alike.
fn adjoins(before: &Draft, next: &Draft) -> bool {
    let alike = before.kernel.divided
        && before.kernel == next.kernel
        && before.label == next.label
        && before.args.constants == next.args.constants
        && before.args.params[1..] == next.args.params[1..];
    let mut pairs = before.bindings.iter().zip(&next.bindings).zip(before.kernel.bindings);
    alike
        && pairs.all(|((a, b), binding)| match (binding.extent, a.slot, b.slot) {
            (Extent::Rows(cols), Slot::Fixed(x), Slot::Fixed(y)) if cols(&before.args) == 1 => {
                let end = |r: Range| r.offset + r.len;
                x.arena == y.arena && end(x) == y.offset
            }
            (Extent::Whole(_), x, y) => x == y,
            _ => false,
        })
}
