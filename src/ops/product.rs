//! Matrix products whose operands or result are larger than a binding, in blocks.
//!
//! A tensor can be bound in blocks of rows. So the index that counts the rows of a large tensor is divided: for the forward
//! product the samples (of x and y) and the outputs (of w); for the gradient of x the samples, and the outputs, over which
//! the product sums; for the gradient of w the outputs, and the samples, over which it sums. What a block needs and does not
//! lie in one piece, some columns of an operand, is copied; blocks of columns of a result are joined. Sums over a divided
//! index are partial products added in rising order: the bits may differ from those of one product, within the bounds of
//! both. Without such a sum every element is computed as without blocks.

use crate::error::{Error, Result};
use crate::graph::launch::sizes;
use crate::graph::{Bind, Launches, Operand, Place};
use crate::kernels::{Args, Kernel};
use crate::target::blocks::{block_rows, blocks, row_alignment};
use crate::target::limits::cannot_divide;
use crate::target::{ALIGN_ELEMENTS, Target};
use std::ops::Range;

/// A matrix as it is stored.
#[derive(Debug, Clone, Copy)]
struct Matrix<'a> {
    place: Place,
    operand: &'a Operand,
    cols: usize,
}

/// A divided product.
struct Product<'a> {
    trans: [bool; 2],
    a: Matrix<'a>,
    b: Matrix<'a>,
    /// m, n, k.
    blocks: [Vec<Range<usize>>; 3],
}

/// Whether an invocation would take more rounds of its loops than the target allows.
pub(super) fn too_deep(target: &Target, size: [usize; 3], trans: [bool; 2]) -> bool {
    let constants = target.product(size, trans);
    !target.limits.ends_loops(Kernel::matmul, &Args { params: sizes(&size), constants })
}

/// Whether one binding can hold all of it.
fn fits(operand: &Operand, target: &Target) -> bool {
    operand.len() <= target.limits.binding_elements() && operand.cuts.is_empty()
}

/// y `[m, n]` = op(a) · op(b), in blocks where one launch cannot hold it.
pub(super) fn divided(out: &mut Launches<'_>, size: [usize; 3], trans: [bool; 2]) -> Result<()> {
    let ([m, n, k], target) = (size, out.target);
    let deep = too_deep(target, size, trans);
    let all = [&out.operands[0], &out.operands[1], &out.results[0]].map(Operand::clone);
    if !deep && all.iter().all(|t| fits(t, target)) {
        let binds = out.in_order().into_iter().map(Bind::from).collect();
        push_product(out, size, trans, binds);
        return Ok(());
    }
    out.divided = true;
    let [a, b, y] = &all;
    let stored = |place, operand, [rows, cols]: [usize; 2], transposed| Matrix {
        place,
        operand,
        cols: if transposed { rows } else { cols },
    };
    let a = stored(Place::Operand(0), a, [m, k], trans[0]);
    let b = stored(Place::Operand(1), b, [k, n], trans[1]);
    let y = Matrix { place: Place::Result(0), operand: y, cols: n };
    let (mut over_m, mut over_n, mut over_k) = (vec![], vec![], vec![]);
    if trans[0] { &mut over_k } else { &mut over_m }.push(a);
    if trans[1] { &mut over_n } else { &mut over_k }.push(b);
    // 33 rounds for every 16 of the sum, and the stores (`rounds` of the kernel).
    let deepest = (target.limits.max_loop_rounds as usize).saturating_sub(100) / 33 * 16;
    let divide = |size, operands: &[Matrix<'_>], result, most| divide(target, &out.label, size, operands, result, most);
    let blocks = [
        divide(m, &over_m, Some(y), usize::MAX)?,
        divide(n, &over_n, None, usize::MAX)?,
        divide(k, &over_k, None, if deep { deepest } else { usize::MAX })?,
    ];
    product_in_blocks(out, &Product { trans, a, b, blocks }, y);
    Ok(())
}

/// Blocks of the rows of operand 0, a matrix that is only read, each of which a binding holds.
pub(super) fn row_blocks(out: &Launches<'_>, [rows, cols]: [usize; 2]) -> Result<Vec<Range<usize>>> {
    // Read in place: as for a large result, a block begins where a binding may.
    let x = Matrix { place: Place::Operand(0), operand: &out.operands[0], cols };
    divide(out.target, &out.label, rows, &[], Some(x), usize::MAX)
}

/// Divides `0..size`, which counts the rows of `operands` and of `result`, so that a binding holds a block of each;
/// without need, not at all.
fn divide(
    target: &Target,
    label: &str,
    size: usize,
    operands: &[Matrix<'_>],
    result: Option<Matrix<'_>>,
    most: usize,
) -> Result<Vec<Range<usize>>> {
    let max = target.limits.binding_elements();
    let all = || operands.iter().chain(&result);
    let large = |t: &&Matrix<'_>| !fits(t.operand, target);
    let cuts: Vec<usize> = all().flat_map(|t| t.operand.cuts.iter().map(|c| c / t.cols).collect::<Vec<_>>()).collect();
    if all().filter(large).count() == 0 && most >= size {
        return Ok(vec![0..size; 1]);
    }
    let widest = all().filter(large).map(|t| t.cols).max().unwrap_or(0);
    // A block of a result must begin where a binding may, but for one that is joined from its blocks; an operand that
    // does not is copied.
    let least = result.filter(|t| large(&t)).map_or(1, |t| row_alignment(t.cols));
    let wanted = all().map(|t| row_alignment(t.cols)).max().unwrap_or(1).max(4);
    // The window of a copy begins at most so far before its first element.
    let copied = max.saturating_sub(ALIGN_ELEMENTS);
    let rows = block_rows(widest, max.min(most.saturating_mul(widest.max(1))), wanted)
        .or_else(|| block_rows(widest, copied.min(most.saturating_mul(widest.max(1))), least));
    let refused = || -> Error {
        cannot_divide(&target.limits, label, widest * size, &format!("{least} rows of {widest} numbers"))
    };
    let blocks = blocks(size, rows.ok_or_else(refused)?, &cuts);
    if blocks.iter().any(|b| b.start % least != 0) {
        return Err(refused());
    }
    Ok(blocks)
}

/// Adds the launches of a divided product, whose result goes to `y`.
fn product_in_blocks(out: &mut Launches<'_>, p: &Product<'_>, y: Matrix<'_>) {
    let label = out.label.clone();
    let in_place = p.blocks[0].iter().all(|m| (m.start * y.cols).is_multiple_of(ALIGN_ELEMENTS));
    let mut blocks = Vec::new();
    for m in p.blocks[0].clone() {
        let len = m.len() * y.cols;
        let rows = match in_place {
            true => Bind { place: y.place, first: m.start * y.cols, len: Some(len) },
            false => block(out, format!("{label} rows {}..{}", m.start, m.end), m.len(), y.cols),
        };
        blocks.push((rows, len));
        if p.blocks[1].len() == 1 {
            sum_of_products(out, p, &m, &(0..y.cols), rows);
            continue;
        }
        let mut columns = Vec::new();
        for n in p.blocks[1].clone() {
            let name = format!("{label} columns {}..{}", n.start, n.end);
            let block = block(out, name, m.len(), n.len());
            sum_of_products(out, p, &m, &n, block);
            columns.push((block, n.len()));
        }
        join(out, m.len(), columns, rows);
    }
    if !in_place {
        // Blocks of rows, each taken for one row, are the columns of a matrix of one row.
        join(out, 1, blocks, y.place.into());
    }
}

/// One block of the result, to `into`: the products over the blocks of k, added in rising order.
fn sum_of_products(out: &mut Launches<'_>, p: &Product<'_>, m: &Range<usize>, n: &Range<usize>, into: Bind) {
    let mut sum = Parts::new([m.len(), n.len()], p.blocks[2].len(), into);
    for k in &p.blocks[2] {
        let window = |t: bool, outer: &Range<usize>, inner: &Range<usize>| match t {
            true => (inner.clone(), outer.clone()),
            false => (outer.clone(), inner.clone()),
        };
        let a = operand(out, p.a, window(p.trans[0], m, k));
        let b = operand(out, p.b, window(p.trans[1], k, n));
        let product = sum.place(out);
        push_product(out, [m.len(), n.len(), k.len()], p.trans, vec![a, b, product]);
        sum.add(out, product);
    }
}

/// Rows and columns of a matrix: in place where they lie in one piece that a binding may begin at, else copied.
fn operand(out: &mut Launches<'_>, t: Matrix<'_>, (rows, cols): (Range<usize>, Range<usize>)) -> Bind {
    let first = rows.start * t.cols + cols.start;
    if cols.len() == t.cols && first.is_multiple_of(ALIGN_ELEMENTS) {
        return Bind { place: t.place, first, len: Some(rows.len() * t.cols) };
    }
    let start = first / ALIGN_ELEMENTS * ALIGN_ELEMENTS;
    let label = &out.label;
    let name = format!("{label} copy of rows {}..{}, columns {}..{}", rows.start, rows.end, cols.start, cols.end);
    let block = block(out, name, rows.len(), cols.len());
    let len = (rows.len() - 1) * t.cols + cols.len() + first - start;
    let window = Bind { place: t.place, first: start, len: Some(len) };
    let params = sizes(&[rows.len(), cols.len(), t.cols, first - start]);
    out.push_parts(Kernel::copy_window, params, vec![], vec![window, block]);
    block
}

/// A new scratch matrix.
fn block(out: &mut Launches<'_>, name: String, rows: usize, cols: usize) -> Bind {
    out.scratch(name, &[rows, cols]).into()
}

/// Puts blocks of columns together, neighbours first, so that an element is copied as often as a tree is high.
fn join(out: &mut Launches<'_>, rows: usize, mut columns: Vec<(Bind, usize)>, into: Bind) {
    while columns.len() > 1 {
        let last = columns.len() == 2;
        let mut joined = Vec::new();
        for pair in columns.chunks(2) {
            let [(a, cols_a), (b, cols_b)] = pair else {
                joined.extend_from_slice(pair);
                continue;
            };
            let cols = cols_a + cols_b;
            let name = format!("{} joined columns", out.label);
            let y = if last { into } else { block(out, name, rows, cols) };
            out.push_parts(Kernel::join_columns, sizes(&[rows, *cols_a, *cols_b]), vec![], vec![*a, *b, y]);
            joined.push((y, cols));
        }
        columns = joined;
    }
}

fn push_product(out: &mut Launches<'_>, size: [usize; 3], trans: [bool; 2], binds: Vec<Bind>) {
    let mut constants = out.target.product(size, trans);
    constants.extend([("TRANS_A", f64::from(trans[0])), ("TRANS_B", f64::from(trans[1]))]);
    out.push_parts(Kernel::matmul, sizes(&size), constants, binds);
}

/// Parts of a result that are added up in rising order; one alone is the result.
pub(super) struct Parts {
    shape: [usize; 2],
    count: usize,
    into: Bind,
    added: usize,
    sum: Option<Bind>,
}

impl Parts {
    /// The sum of `count` parts of this shape, to `into`.
    pub(super) fn new(shape: [usize; 2], count: usize, into: Bind) -> Parts {
        Parts { shape, count, into, added: 0, sum: None }
    }

    /// Where the next part goes.
    pub(super) fn place(&self, out: &mut Launches<'_>) -> Bind {
        if self.count == 1 { self.into } else { self.scratch(out, format!("part {}", self.added)) }
    }

    /// Adds a part.
    pub(super) fn add(&mut self, out: &mut Launches<'_>, part: Bind) {
        let last = self.added + 1 == self.count;
        self.sum = Some(match self.sum {
            None => part,
            Some(before) => {
                let total = if last { self.into } else { self.scratch(out, format!("parts 0..={}", self.added)) };
                let len = self.shape.iter().product();
                out.push_parts(Kernel::add, sizes(&[len]), vec![], vec![before, part, total]);
                total
            }
        });
        self.added += 1;
    }

    fn scratch(&self, out: &mut Launches<'_>, what: String) -> Bind {
        let name = format!("{} {what}", out.label);
        out.scratch(name, &self.shape).into()
    }
}
