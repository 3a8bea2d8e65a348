//! The memory pass: every tensor that lives within a step gets a place in a shared arena.
//!
//! Three rules. Tensors whose lives overlap do not overlap in memory (first fit, in order of definition). No dispatch reads
//! and writes the same arena, because wgpu refuses one buffer bound both read-only and writable in a dispatch, even at
//! disjoint ranges; so a tensor goes to the first arena that no such dispatch forbids. And an arena fits one buffer of the
//! device; a tensor that does not shares an arena in several buffers only with tensors that are divided alike.

use super::{Arena, Holds, Lifetime, Range};
use crate::kernels::Dtype;
use crate::target::aligned;
use crate::target::blocks::buffer_cuts;

/// A tensor without a place yet.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Number of elements.
    pub len: usize,
    /// Elements of a row.
    pub cols: usize,
    /// Dispatch that writes it first, and the last that reads it.
    pub live: (usize, usize),
}

/// What one dispatch touches, as indices into the tensors.
#[derive(Debug, Clone, Default)]
pub struct Touch {
    /// Tensors read.
    pub reads: Vec<usize>,
    /// Tensors written, whole or in part.
    pub writes: Vec<usize>,
}

/// Places every tensor in arenas of at most `max` elements a buffer; new arenas are appended to `arenas`. Ranges are in the
/// order of `tensors`.
pub fn place(prefix: &str, tensors: &[Tensor], touches: &[Touch], max: usize, arenas: &mut Vec<Arena>) -> Vec<Range> {
    let first = arenas.len();
    let apart = apart(tensors.len(), touches);
    let mut ranges: Vec<Option<Range>> = vec![None; tensors.len()];
    // What no dispatch writes exists only to be bound.
    let written = touches.iter().flat_map(|touch| &touch.writes);
    for &t in written.chain(touches.iter().flat_map(|touch| &touch.reads)) {
        if ranges[t].is_some() {
            continue;
        }
        let tensor = &tensors[t];
        // What cannot be cut stays whole, and the check of the limits refuses it.
        let rows = buffer_cuts(tensor.len / tensor.cols.max(1), tensor.cols, max).unwrap_or_default();
        let cuts: Vec<usize> = rows.into_iter().map(|r| r * tensor.cols).collect();
        let whole = aligned(tensor.len) <= max;
        let forbidden: Vec<usize> = apart[t].iter().filter_map(|o| ranges[*o]).map(|r| r.arena).collect();
        let fits = |a: &usize| {
            let of_its_size = whole || arenas[*a].len == aligned(tensor.len);
            arenas[*a].dtype == tensor.dtype && arenas[*a].cuts == cuts && of_its_size && !forbidden.contains(a)
        };
        let found = (first..arenas.len()).filter(fits).find_map(|a| {
            let offset = first_fit(tensor, a, tensors, &ranges);
            (offset == 0 || offset + aligned(tensor.len) <= max).then_some((a, offset))
        });
        let (arena, offset) = found.unwrap_or_else(|| {
            let name = format!("{prefix}.scratch.{}", arenas.len() - first);
            let arena = Arena::new(name, tensor.dtype, 0, Lifetime::Step, Holds::Scratch);
            arenas.push(Arena { cuts, ..arena });
            (arenas.len() - 1, 0)
        });
        arenas[arena].len = arenas[arena].len.max(offset + aligned(tensor.len));
        ranges[t] = Some(Range { arena, offset, len: tensor.len });
    }
    ranges.into_iter().map(|r| r.unwrap_or_else(|| unreachable!("every tensor is touched by a dispatch"))).collect()
}

/// For each tensor those that some dispatch reads while it writes this one, or the other way round.
fn apart(tensors: usize, touches: &[Touch]) -> Vec<Vec<usize>> {
    let mut apart = vec![Vec::new(); tensors];
    for touch in touches {
        for (&r, &w) in touch.reads.iter().flat_map(|r| touch.writes.iter().map(move |w| (r, w))) {
            apart[r].push(w);
            apart[w].push(r);
        }
    }
    apart
}

/// The lowest offset at which `tensor` overlaps no placed tensor of the arena that lives at the same time.
fn first_fit(tensor: &Tensor, arena: usize, tensors: &[Tensor], ranges: &[Option<Range>]) -> usize {
    let alive = |t: &Tensor| t.live.0 <= tensor.live.1 && tensor.live.0 <= t.live.1;
    let mut taken: Vec<(usize, usize)> = tensors
        .iter()
        .zip(ranges)
        .filter_map(|(t, range)| range.filter(|r| r.arena == arena && alive(t)))
        .map(|r| (r.offset, r.offset + aligned(r.len)))
        .collect();
    taken.sort_unstable();
    let mut offset = 0;
    for (start, end) in taken {
        if offset + aligned(tensor.len) <= start {
            break;
        }
        offset = offset.max(end);
    }
    offset
}
