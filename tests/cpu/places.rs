//! Where tensors lie: the memory pass, and blocks of what no binding or buffer holds.

use proptest::prelude::*;
use wgrad::kernels::Dtype;
use wgrad::plan::ALIGN_ELEMENTS;
use wgrad::target::blocks::{block_rows, blocks, buffer_cuts, row_alignment};
use wgrad::testing::plan::memory::{Tensor, Touch, place};

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

#[test]
fn rows_begin_at_multiples_of_the_alignment() {
    assert_eq!([1, 2, 33, 32, 48, 64, 128].map(row_alignment), [64, 32, 64, 2, 4, 1, 1]);
    assert_eq!(block_rows(33, 64 * 33, 64), Some(64));
    assert_eq!(block_rows(33, 64 * 33 - 1, 64), None);
    assert_eq!(buffer_cuts(100, 64, 6400), Some(vec![]));
    // 64 rows at once where they fit, else as few as the alignment asks for.
    assert_eq!(buffer_cuts(101, 64, 6400), Some(vec![64]));
    assert_eq!(buffer_cuts(10, 64, 4 * 64), Some(vec![4, 8]));
    assert_eq!(buffer_cuts(20, 96, 1024), Some(vec![8, 16]));
    assert_eq!(buffer_cuts(10, 33, 4 * 64), None);
}

proptest! {
    /// Blocks cover everything once, in order, none too large and none across a cut.
    #[test]
    fn blocks_cover_what_they_divide(
        size in 1usize..500, most in 0usize..600, mut cuts in prop::collection::vec(0usize..500, 0..5)
    ) {
        cuts.sort_unstable();
        let blocks = blocks(size, most, &cuts);
        let mut next = 0;
        for b in &blocks {
            prop_assert_eq!(b.start, next);
            prop_assert!(b.end > b.start && b.len() <= most.max(1));
            prop_assert!(!cuts.iter().any(|c| b.start < *c && *c < b.end));
            next = b.end;
        }
        prop_assert_eq!(next, size);
    }
}
