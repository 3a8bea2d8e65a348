//! Places for the nodes and edges of a directed graph without cycles, in levels from top to bottom.
//!
//! After Sugiyama, Tagawa, Toda: "Methods for visual understanding of hierarchical system structures" (1981): levels by the
//! longest path, points where an edge crosses a level, order by the mean place of the neighbours, then places by the same
//! means as far as the order and the widths allow.

/// Nodes beside each other at most: as many as fit the page on a desk.
const PER_LEVEL: usize = 4;
/// Passes of ordering and of placing; the picture does not change visibly after these.
const PASSES: usize = 12;

/// Sizes, in the drawing's units.
pub struct Sizes {
    /// Of a node.
    pub node: (f64, f64),
    /// Between neighbours on a level, and between levels.
    pub gap: (f64, f64),
    /// Width kept free for an edge that crosses a level.
    pub edge: f64,
}

/// Where everything is.
pub struct Layout {
    /// Width and height of the whole.
    pub size: (f64, f64),
    /// Centre of each node.
    pub nodes: Vec<(f64, f64)>,
    /// For each edge the centres of the levels' points that it passes, from its source to its target, both included.
    pub edges: Vec<Vec<(f64, f64)>>,
}

/// Something on a level: a node, or the point at which the edges of a node cross it.
struct Item {
    node: bool,
    x: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Places `count` nodes with the edges `(from, to)`, where `from < to`.
pub fn place(count: usize, edges: &[(usize, usize)], sizes: &Sizes) -> Layout {
    let level = levels(count, edges);
    let mut items: Vec<Item> = (0..count).map(|_| Item { node: true, x: 0.0, above: vec![], below: vec![] }).collect();
    let depth = level.iter().max().map_or(0, |l| l + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    (0..count).for_each(|i| rows[level[i]].push(i));
    // All edges of a node share the points at which they cross a level: one line that branches, not a bundle.
    let mut crossings: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut paths = Vec::with_capacity(edges.len());
    for &(from, to) in edges {
        let mut path = vec![from];
        for (known, row) in rows[level[from] + 1..level[to]].iter_mut().enumerate() {
            if crossings[from].len() == known {
                items.push(Item { node: false, x: 0.0, above: vec![], below: vec![] });
                crossings[from].push(items.len() - 1);
                row.push(items.len() - 1);
            }
            path.push(crossings[from][known]);
        }
        path.push(to);
        for pair in path.windows(2) {
            if !items[pair[0]].below.contains(&pair[1]) {
                items[pair[0]].below.push(pair[1]);
                items[pair[1]].above.push(pair[0]);
            }
        }
        paths.push(path);
    }
    order(&mut items, &mut rows);
    spread(&mut items, &rows, sizes);
    let of_item = crossing_levels(&rows, items.len());
    let y = |i: usize| sizes.node.1 / 2.0 + of_item[i] as f64 * (sizes.node.1 + sizes.gap.1);
    let half = |i: &Item| if i.node { sizes.node.0 / 2.0 } else { sizes.edge / 2.0 };
    let left = items.iter().map(|i| i.x - half(i)).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|i| i.x + half(i)).fold(f64::NEG_INFINITY, f64::max);
    let at = |i: usize| (items[i].x - left, y(i));
    Layout {
        size: ((right - left).max(0.0), (depth as f64 * (sizes.node.1 + sizes.gap.1) - sizes.gap.1).max(0.0)),
        nodes: (0..count).map(at).collect(),
        edges: paths.iter().map(|p| p.iter().map(|i| at(*i)).collect()).collect(),
    }
}

/// Each node stands below all of its operands, as high as there is room.
fn levels(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let (mut level, mut taken): (Vec<usize>, Vec<usize>) = (vec![0; count], Vec::new());
    for node in 0..count {
        let above = edges.iter().filter(|e| e.1 == node).map(|e| level[e.0] + 1).max().unwrap_or(0);
        let mut at = above;
        while taken.get(at).is_some_and(|n| *n >= PER_LEVEL) {
            at += 1;
        }
        taken.resize(taken.len().max(at + 1), 0);
        taken[at] += 1;
        level[node] = at;
    }
    level
}

fn crossing_levels(rows: &[Vec<usize>], count: usize) -> Vec<usize> {
    let mut level = vec![0; count];
    for (l, row) in rows.iter().enumerate() {
        row.iter().for_each(|i| level[*i] = l);
    }
    level
}

/// Orders each level by the mean place of its items' neighbours, from above and from below in turn.
fn order(items: &mut [Item], rows: &mut [Vec<usize>]) {
    let number = |items: &mut [Item], row: &[usize]| {
        for (place, i) in row.iter().enumerate() {
            items[*i].x = place as f64 - row.len() as f64 / 2.0;
        }
    };
    rows.iter().for_each(|row| number(items, row));
    for pass in 0..PASSES {
        let down = pass % 2 == 0;
        for turn in 0..rows.len() {
            let row = if down {
                &mut rows[turn]
            } else {
                let last = rows.len() - 1;
                &mut rows[last - turn]
            };
            let wish = |i: &usize| mean(items, if down { &items[*i].above } else { &items[*i].below }, items[*i].x);
            let mut wishes: Vec<(f64, usize)> = row.iter().map(|i| (wish(i), *i)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
            *row = wishes.into_iter().map(|w| w.1).collect();
            number(items, row);
        }
    }
}

/// Moves the items towards the mean of their neighbours; order and distances hold.
fn spread(items: &mut [Item], rows: &[Vec<usize>], sizes: &Sizes) {
    let width = |i: &Item| if i.node { sizes.node.0 } else { sizes.edge };
    let apart = |items: &[Item], a: usize, b: usize| (width(&items[a]) + width(&items[b])) / 2.0 + sizes.gap.0;
    for row in rows {
        let offsets: Vec<f64> = row.windows(2).map(|p| apart(items, p[0], p[1])).collect();
        let mut x = -offsets.iter().sum::<f64>() / 2.0;
        for (k, i) in row.iter().enumerate() {
            items[*i].x = x;
            x += offsets.get(k).copied().unwrap_or(0.0);
        }
    }
    for pass in 0..PASSES {
        for turn in 0..rows.len() {
            let row = if pass % 2 == 0 { &rows[turn] } else { &rows[rows.len() - 1 - turn] };
            let wishes: Vec<f64> = row
                .iter()
                .map(|i| {
                    let near: Vec<usize> = items[*i].above.iter().chain(&items[*i].below).copied().collect();
                    mean(items, &near, items[*i].x)
                })
                .collect();
            // Packed to the right and packed to the left both keep the order; so does the middle of the two.
            let (mut right, mut left) = (wishes.clone(), wishes);
            for k in 1..row.len() {
                right[k] = right[k].max(right[k - 1] + apart(items, row[k - 1], row[k]));
                let k = row.len() - 1 - k;
                left[k] = left[k].min(left[k + 1] - apart(items, row[k], row[k + 1]));
            }
            row.iter().enumerate().for_each(|(k, i)| items[*i].x = (right[k] + left[k]) / 2.0);
        }
    }
}

fn mean(items: &[Item], of: &[usize], otherwise: f64) -> f64 {
    if of.is_empty() { otherwise } else { of.iter().map(|i| items[*i].x).sum::<f64>() / of.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { node: (100.0, 40.0), gap: (10.0, 30.0), edge: 8.0 };

    #[test]
    fn nodes_do_not_overlap_and_stand_below_their_operands() {
        // Every node reads some earlier ones: a multiplicative pattern, so that all distances occur.
        let edges: Vec<(usize, usize)> =
            (1..60).flat_map(|to| [to - 1, to * 7 % to.max(1), to / 2, to / 5].map(|from| (from, to))).collect();
        let layout = place(60, &edges, &SIZES);
        for (a, p) in layout.nodes.iter().enumerate() {
            assert!(p.0 >= 49.99 && p.0 <= layout.size.0 - 49.99 && p.1 >= 19.99 && p.1 <= layout.size.1 - 19.99);
            for q in &layout.nodes[..a] {
                assert!((p.0 - q.0).abs() >= 109.99 || (p.1 - q.1).abs() >= 69.99, "{p:?} {q:?}");
            }
        }
        for (path, (from, to)) in layout.edges.iter().zip(&edges) {
            assert_eq!((path[0], path[path.len() - 1]), (layout.nodes[*from], layout.nodes[*to]));
            assert!(path.windows(2).all(|p| (p[1].1 - p[0].1 - 70.0).abs() < 1e-6), "one level at a time");
        }
    }

    #[test]
    fn a_chain_is_straight_and_nothing_is_nothing() {
        let layout = place(4, &[(0, 1), (1, 2), (2, 3)], &SIZES);
        assert!(layout.nodes.iter().all(|p| (p.0 - 50.0).abs() < 1e-9));
        assert_eq!(place(0, &[], &SIZES).size, (0.0, 0.0));
        let wide = place(12, &[], &SIZES);
        assert!(wide.nodes.iter().filter(|p| p.1 < 30.0).count() == PER_LEVEL);
    }
}
