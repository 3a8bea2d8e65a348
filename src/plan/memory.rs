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
    for &t in touches.iter().flat_map(|touch| &touch.writes) {
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
            let number = arenas.len() - first;
            let mut arena =
                Arena::new(format!("{prefix}.scratch.{number}"), tensor.dtype, 0, Lifetime::Step, Holds::Scratch);
            arena.cuts = cuts;
            arenas.push(arena);
            (arenas.len() - 1, 0)
        });
        arenas[arena].len = arenas[arena].len.max(offset + aligned(tensor.len));
        ranges[t] = Some(Range { arena, offset, len: tensor.len });
    }
    let placed = ranges.into_iter().map(|r| match r {
        Some(range) => range,
        None => unreachable!("every tensor is written by a dispatch"),
    });
    placed.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ALIGN_ELEMENTS;
    use proptest::prelude::*;

    proptest! {
        /// For random programs, some of whose tensors are written in two parts: no two tensors that are alive together share
        /// an element, no dispatch reads and writes one arena, and no buffer is too large.
        #[test]
        fn places_are_disjoint_and_arenas_are_not_read_and_written(
            program in prop::collection::vec(
                (1usize..300, prop::collection::vec(0usize..1000, 0..4), any::<bool>()), 1..30),
            max in 2usize..12,
        ) {
            let max = max * ALIGN_ELEMENTS;
            let mut tensors: Vec<Tensor> = Vec::new();
            let mut touches: Vec<Touch> = Vec::new();
            for (i, (len, picks, twice)) in program.iter().enumerate() {
                let at = touches.len();
                let reads: Vec<usize> = picks.iter().filter(|_| i > 0).map(|p| p % i.max(1)).collect();
                tensors.push(Tensor { dtype: Dtype::F32, len: *len, cols: 1, live: (at, at + usize::from(*twice)) });
                // The second part comes from other operands than the first.
                let parts: Vec<Vec<usize>> = match twice {
                    true => vec![reads[..reads.len() / 2].to_vec(), reads[reads.len() / 2..].to_vec()],
                    false => vec![reads],
                };
                for reads in parts {
                    for &r in &reads {
                        tensors[r].live.1 = touches.len();
                    }
                    touches.push(Touch { reads, writes: vec![i] });
                }
            }
            let mut arenas = Vec::new();
            let ranges = place("t", &tensors, &touches, max, &mut arenas);
            for touch in &touches {
                for &r in &touch.reads {
                    prop_assert_ne!(ranges[r].arena, ranges[touch.writes[0]].arena);
                }
            }
            for arena in &arenas {
                prop_assert!(arena.buffers().all(|(start, end)| end - start <= max));
            }
            for a in 0..tensors.len() {
                prop_assert!(ranges[a].offset + ranges[a].len <= arenas[ranges[a].arena].len);
                for b in 0..a {
                    let together = tensors[a].live.0 <= tensors[b].live.1 && tensors[b].live.0 <= tensors[a].live.1;
                    if together && ranges[a].arena == ranges[b].arena {
                        let (x, y) = (ranges[a], ranges[b]);
                        prop_assert!(x.offset + x.len <= y.offset || y.offset + y.len <= x.offset);
                    }
                }
            }
        }
    }
}
