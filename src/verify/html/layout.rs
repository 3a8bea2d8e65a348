//! Places for the nodes and edges of a directed graph without cycles, in levels from top to bottom.
//!
//! After Sugiyama, Tagawa, Toda: "Methods for visual understanding of hierarchical system structures" (1981): levels by the
//! longest path, points where an edge crosses a level, order by the mean place of the neighbours, then places by the same
//! means as far as the order and the widths allow.

/// Nodes beside each other at most: as many as fit the page on a desk.
pub const PER_LEVEL: usize = 5;
/// Passes of ordering and of placing; the picture does not change visibly after these.
const PASSES: usize = 12;

/// Sizes, in the drawing's units.
pub struct Sizes {
    /// Width of a node.
    pub node: f64,
    /// Between neighbouring nodes on a level, and between levels.
    pub gap: (f64, f64),
    /// Between a node and an edge that crosses its level, and between two such edges.
    pub edge: f64,
}

/// Where everything is.
pub struct Layout {
    /// Width and height of the whole.
    pub size: (f64, f64),
    /// Left and upper end of each node.
    pub nodes: Vec<(f64, f64)>,
    /// The way of each edge, from its source to its target.
    pub edges: Vec<Vec<Stop>>,
}

/// Where an edge meets a level: it enters at the top and leaves at the bottom, upright between the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Of the upright part.
    pub x: f64,
    /// Upper end of the level.
    pub top: f64,
    /// Lower end of the node, for the source; upper end of the level, for the others.
    pub start: f64,
    /// Lower end of the level.
    pub bottom: f64,
}

/// Something on a level: a node, or the point at which the edges of a node cross it.
struct Item {
    /// Height, of a node.
    node: Option<f64>,
    x: f64,
    level: usize,
    above: Vec<usize>,
    below: Vec<usize>,
}

impl Item {
    fn new(node: Option<f64>, level: usize) -> Item {
        Item { node, x: 0.0, level, above: vec![], below: vec![] }
    }

    fn width(&self, sizes: &Sizes) -> f64 {
        if self.node.is_some() { sizes.node } else { 0.0 }
    }

    /// Distance of the centres of two neighbours.
    fn apart(&self, other: &Item, sizes: &Sizes) -> f64 {
        let gap = if self.node.is_some() && other.node.is_some() { sizes.gap.0 } else { sizes.edge };
        (self.width(sizes) + other.width(sizes)) / 2.0 + gap
    }
}

/// Places nodes of these heights with the edges `(from, to)`, where `from < to`.
pub fn place(heights: &[f64], edges: &[(usize, usize)], sizes: &Sizes) -> Layout {
    let level = levels(heights.len(), edges);
    let mut items: Vec<Item> = heights.iter().zip(&level).map(|(h, l)| Item::new(Some(*h), *l)).collect();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); level.iter().max().map_or(0, |l| l + 1)];
    (0..items.len()).for_each(|i| rows[level[i]].push(i));
    // All edges of a node share the points at which they cross a level: one line that branches, not a bundle.
    let mut crossings: Vec<Vec<usize>> = vec![Vec::new(); heights.len()];
    let mut paths = Vec::with_capacity(edges.len());
    for &(from, to) in edges {
        let mut path = vec![from];
        for (known, row) in rows[level[from] + 1..level[to]].iter_mut().enumerate() {
            if crossings[from].len() == known {
                crossings[from].push(items.len());
                row.push(items.len());
                items.push(Item::new(None, level[from] + 1 + known));
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
    finish(&items, &rows, &paths, heights.len(), sizes)
}

/// Turns places into coordinates from 0 up.
fn finish(items: &[Item], rows: &[Vec<usize>], paths: &[Vec<usize>], nodes: usize, sizes: &Sizes) -> Layout {
    let mut bands: Vec<(f64, f64)> = Vec::with_capacity(rows.len());
    for row in rows {
        let top = bands.last().map_or(0.0, |b| b.1 + sizes.gap.1);
        bands.push((top, top + row.iter().filter_map(|i| items[*i].node).fold(0.0, f64::max)));
    }
    let left = items.iter().map(|i| i.x - i.width(sizes) / 2.0).fold(f64::INFINITY, f64::min);
    let right = items.iter().map(|i| i.x + i.width(sizes) / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let stop = |i: &usize| {
        let (item, (top, bottom)) = (&items[*i], bands[items[*i].level]);
        Stop { x: item.x - left, top, start: top + item.node.unwrap_or(0.0), bottom }
    };
    Layout {
        size: ((right - left).max(0.0), bands.last().map_or(0.0, |b| b.1)),
        nodes: items[..nodes].iter().map(|i| (i.x - sizes.node / 2.0 - left, bands[i.level].0)).collect(),
        edges: paths.iter().map(|p| p.iter().map(stop).collect()).collect(),
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

/// Orders each level by the mean place of its items' neighbours, from above and from below in turn.
fn order(items: &mut [Item], rows: &mut [Vec<usize>]) {
    let number = |items: &mut [Item], row: &[usize]| {
        for (place, i) in row.iter().enumerate() {
            items[*i].x = place as f64 - row.len() as f64 / 2.0;
        }
    };
    rows.iter().for_each(|row| number(items, row));
    for (down, at) in sweeps(rows.len()) {
        let row = &mut rows[at];
        let wish = |i: &usize| mean(items, if down { &items[*i].above } else { &items[*i].below }, items[*i].x);
        let mut wishes: Vec<(f64, usize)> = row.iter().map(|i| (wish(i), *i)).collect();
        wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
        *row = wishes.into_iter().map(|w| w.1).collect();
        number(items, row);
    }
}

/// The levels in the order in which they are treated, down and up in turn; true where it goes down.
fn sweeps(levels: usize) -> impl Iterator<Item = (bool, usize)> {
    let turn =
        move |pass: usize, turn: usize| if pass.is_multiple_of(2) { (true, turn) } else { (false, levels - 1 - turn) };
    (0..PASSES).flat_map(move |pass| (0..levels).map(move |i| turn(pass, i)))
}

/// Moves the items towards the mean of their neighbours; order and distances hold, and no level gets wider than the widest
/// one is when packed.
fn spread(items: &mut [Item], rows: &[Vec<usize>], sizes: &Sizes) {
    let apart: Vec<Vec<f64>> =
        rows.iter().map(|row| row.windows(2).map(|p| items[p[0]].apart(&items[p[1]], sizes)).collect()).collect();
    let limit = apart.iter().map(|gaps| gaps.iter().sum::<f64>()).fold(0.0, f64::max) / 2.0;
    for (row, gaps) in rows.iter().zip(&apart) {
        let mut x = -gaps.iter().sum::<f64>() / 2.0;
        for (k, i) in row.iter().enumerate() {
            items[*i].x = x;
            x += gaps.get(k).copied().unwrap_or(0.0);
        }
    }
    for (_, at) in sweeps(rows.len()) {
        let (row, gaps) = (&rows[at], &apart[at]);
        let mut before = 0.0;
        let all: f64 = gaps.iter().sum();
        let mut wishes = Vec::with_capacity(row.len());
        for (k, i) in row.iter().enumerate() {
            let near: Vec<usize> = items[*i].above.iter().chain(&items[*i].below).copied().collect();
            // What stands on either side needs its room within the limit.
            wishes.push(mean(items, &near, items[*i].x).max(before - limit).min(limit - (all - before)));
            before += gaps.get(k).copied().unwrap_or(0.0);
        }
        // Packed to the right and packed to the left both keep the order; so does the middle of the two.
        let (mut right, mut left) = (wishes.clone(), wishes);
        for k in 1..row.len() {
            right[k] = right[k].max(right[k - 1] + gaps[k - 1]);
            let k = row.len() - 1 - k;
            left[k] = left[k].min(left[k + 1] - gaps[k]);
        }
        row.iter().enumerate().for_each(|(k, i)| items[*i].x = (right[k] + left[k]) / 2.0);
    }
}

fn mean(items: &[Item], of: &[usize], otherwise: f64) -> f64 {
    if of.is_empty() { otherwise } else { of.iter().map(|i| items[*i].x).sum::<f64>() / of.len() as f64 }
}
