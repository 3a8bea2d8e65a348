//! Places of the nodes and edges in the graph that a verification page shows.

use wgrad::testing::verify::html::layout::{PER_LEVEL, Sizes, place};

const SIZES: Sizes = Sizes { node: 100.0, gap: (10.0, 30.0), edge: 8.0 };

#[test]
fn nodes_do_not_overlap_and_stand_below_their_operands() {
    // Every node reads some earlier ones: a multiplicative pattern, so that all distances occur.
    let heights: Vec<f64> = (0..60).map(|i| [40.0, 100.0, 60.0][i % 3]).collect();
    let edges: Vec<(usize, usize)> =
        (1..60).flat_map(|to| [to - 1, to * 7 % to.max(1), to / 2, to / 5].map(|from| (from, to))).collect();
    let layout = place(&heights, &edges, &SIZES);
    for (a, p) in layout.nodes.iter().enumerate() {
        assert!(p.0 >= -0.01 && p.0 + 100.0 <= layout.size.0 + 0.01 && p.1 + heights[a] <= layout.size.1 + 0.01);
        for (b, q) in layout.nodes[..a].iter().enumerate() {
            let beside = (p.0 - q.0).abs() >= 109.99;
            assert!(beside || p.1 >= q.1 + heights[b] + 29.99 || q.1 >= p.1 + heights[a] + 29.99, "{p:?} {q:?}");
        }
    }
    for (path, (from, to)) in layout.edges.iter().zip(&edges) {
        let (first, last) = (path[0], path[path.len() - 1]);
        let ((from_x, from_y), (to_x, to_y)) = (layout.nodes[*from], layout.nodes[*to]);
        let off =
            [first.x - from_x - 50.0, first.start - from_y - heights[*from], last.x - to_x - 50.0, last.top - to_y];
        assert!(off.iter().all(|d| d.abs() < 1e-6), "{off:?}");
        assert!(path.windows(2).all(|p| (p[1].top - p[0].bottom - 30.0).abs() < 1e-6), "one level at a time");
        for crossing in &path[1..path.len() - 1] {
            let hits = |(p, h): (&(f64, f64), &f64)| {
                p.1 < crossing.bottom && p.1 + h > crossing.top && (p.0 + 50.0 - crossing.x).abs() < 57.99
            };
            assert!(!layout.nodes.iter().zip(&heights).any(hits), "an edge runs through a node");
        }
    }
}

#[test]
fn a_chain_is_straight_and_nothing_is_nothing() {
    let layout = place(&[40.0; 4], &[(0, 1), (1, 2), (2, 3)], &SIZES);
    assert!(layout.nodes.iter().all(|p| p.0.abs() < 1e-9));
    assert_eq!(layout.size, (100.0, 4.0 * 40.0 + 3.0 * 30.0));
    assert_eq!(place(&[], &[], &SIZES).size, (0.0, 0.0));
    let wide = place(&[40.0; 12], &[], &SIZES);
    assert_eq!(wide.nodes.iter().filter(|p| p.1 == 0.0).count(), PER_LEVEL);
}
