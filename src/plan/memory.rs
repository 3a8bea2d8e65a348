//! The memory pass: every tensor that lives within a step gets a place in a shared arena.
//!
//! Two rules. Tensors whose lives overlap do not overlap in memory (first fit, in order of definition). And no dispatch
//! reads and writes the same arena, because wgpu refuses one buffer bound both read-only and writable in a dispatch, even
//! at disjoint ranges; so a result goes to the first arena that its dispatch does not read.

use super::{ALIGN_ELEMENTS, Arena, Lifetime, Range};
use crate::kernels::Dtype;

/// A tensor without a place yet.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Number of elements.
    pub len: usize,
    /// Dispatch that writes it first, and the last that reads it.
    pub live: (usize, usize),
}

/// What one dispatch touches, as indices into the tensors.
#[derive(Debug, Clone, Default)]
pub struct Touch {
    /// Tensors read.
    pub reads: Vec<usize>,
    /// Tensors written for the first time.
    pub writes: Vec<usize>,
}

/// Rounds up to the alignment of buffers.
pub fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGN_ELEMENTS)
}

/// Places every tensor; new arenas are appended to `arenas`. Ranges are in the order of `tensors`.
pub fn place(prefix: &str, tensors: &[Tensor], touches: &[Touch], arenas: &mut Vec<Arena>) -> Vec<Range> {
    let first = arenas.len();
    let mut ranges: Vec<Option<Range>> = vec![None; tensors.len()];
    for touch in touches {
        let read: Vec<usize> = touch.reads.iter().filter_map(|t| ranges[*t]).map(|r| r.arena).collect();
        for &t in &touch.writes {
            let tensor = &tensors[t];
            let arena = (first..arenas.len())
                .find(|a| arenas[*a].dtype == tensor.dtype && !read.contains(a))
                .unwrap_or_else(|| {
                    let number = arenas.len() - first;
                    let name = format!("{prefix}.scratch.{number}");
                    arenas.push(Arena { name, dtype: tensor.dtype, len: 0, lifetime: Lifetime::Step });
                    arenas.len() - 1
                });
            let offset = first_fit(tensor, arena, tensors, &ranges);
            arenas[arena].len = arenas[arena].len.max(offset + aligned(tensor.len));
            ranges[t] = Some(Range { arena, offset, len: tensor.len });
        }
    }
    let placed = ranges.into_iter().map(|r| match r {
        Some(range) => range,
        None => unreachable!("every tensor is written by a dispatch"),
    });
    placed.collect()
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
    use proptest::prelude::*;

    proptest! {
        /// For random programs: no two tensors that are alive together share an element, and no dispatch reads and
        /// writes one arena.
        #[test]
        fn places_are_disjoint_and_arenas_are_not_read_and_written(
            program in prop::collection::vec((1usize..300, prop::collection::vec(0usize..1000, 0..4)), 1..30)
        ) {
            let mut tensors: Vec<Tensor> = Vec::new();
            let mut touches = Vec::new();
            for (i, (len, picks)) in program.iter().enumerate() {
                let reads: Vec<usize> = picks.iter().filter(|_| i > 0).map(|p| p % i.max(1)).collect();
                for &r in &reads {
                    tensors[r].live.1 = i;
                }
                tensors.push(Tensor { dtype: Dtype::F32, len: *len, live: (i, i) });
                touches.push(Touch { reads, writes: vec![i] });
            }
            let mut arenas = Vec::new();
            let ranges = place("t", &tensors, &touches, &mut arenas);
            for (i, touch) in touches.iter().enumerate() {
                for &r in &touch.reads {
                    prop_assert_ne!(ranges[r].arena, ranges[i].arena);
                }
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
