//! Matrix products whose operands or result are larger than a binding, in blocks.
//!
//! A tensor can be bound in blocks of rows. So the index that counts the rows of a large tensor is divided: for the forward
//! product the samples (of x and y) and the outputs (of w); for the gradient of x the samples, and the outputs, over which
//! the product sums; for the gradient of w the outputs, and the samples, over which it sums. What a block needs and does not
//! lie in one piece, some columns of an operand, is copied; blocks of columns of a result are joined. Sums over a divided
//! index are partial products added in rising order: the bits may differ from those of one product, within the bounds of
//! both. Without such a sum every element is computed as without blocks.

use super::super::ALIGN_ELEMENTS;
use super::super::blocks::{block_rows, blocks, row_alignment};
use super::cut::Part;
use super::{Lowering, Slot, sizes};
use crate::error::Result;
use crate::graph::{Op, Value};
use crate::kernels::{Args, Dtype, Kernel};
use std::ops::Range;

/// A matrix as it is stored.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    slot: Slot,
    cols: usize,
}

/// A divided product.
struct Product<'a> {
    label: &'a str,
    trans: [bool; 2],
    a: Matrix,
    b: Matrix,
    /// m, n, k.
    blocks: [Vec<Range<usize>>; 3],
}

impl Lowering<'_> {
    /// Whether the product at `node` may be part of a fused group: fusion is asked for, and one dispatch can hold it.
    pub(super) fn may_fuse(&self, node: usize) -> bool {
        let max = self.options.limits.binding_elements();
        let n = &self.graph.nodes[node];
        let Op::MatMul { trans_a, trans_b } = n.op else { return false };
        let small = |v: &Value| self.graph.ty(*v).len() <= max;
        let result = Value { node, result: 0 };
        self.options.fuse && n.inputs.iter().chain([&result]).all(small) && {
            let (rows, cols) = n.results[0].rows_cols();
            !self.too_deep([rows, cols, self.depth(node)], [trans_a, trans_b])
        }
    }

    /// Numbers that each result of the product at `node` sums.
    pub(super) fn depth(&self, node: usize) -> usize {
        let n = &self.graph.nodes[node];
        let (rows, cols) = self.graph.ty(n.inputs[0]).rows_cols();
        if n.op == (Op::MatMul { trans_a: true, trans_b: false }) { rows } else { cols }
    }

    /// Whether an invocation would take more rounds of its loops than the adapter allows.
    fn too_deep(&self, size: [usize; 3], trans: [bool; 2]) -> bool {
        let constants = self.options.product(size, trans);
        !self.options.limits.ends_loops(Kernel::matmul, &Args { params: sizes(&size), constants })
    }

    /// y `[m, n]` = op(a) · op(b), in blocks where one dispatch cannot hold it.
    pub(super) fn matmul(
        &mut self,
        label: &str,
        size: [usize; 3],
        trans: [bool; 2],
        [a, b, y]: [Slot; 3],
    ) -> Result<()> {
        let [m, n, k] = size;
        let parts = [a, b, y].map(|slot| self.whole(slot));
        let deep = self.too_deep(size, trans);
        if !deep && parts.iter().all(|part| self.fits(*part)) {
            self.push_product(label, size, trans, parts.to_vec());
            return Ok(());
        }
        self.divided = true;
        let stored =
            |slot, [rows, cols]: [usize; 2], transposed| Matrix { slot, cols: if transposed { rows } else { cols } };
        let (a, b) = (stored(a, [m, k], trans[0]), stored(b, [k, n], trans[1]));
        let y = Matrix { slot: y, cols: n };
        let (mut over_m, mut over_n, mut over_k) = (vec![], vec![], vec![]);
        if trans[0] { &mut over_k } else { &mut over_m }.push(a);
        if trans[1] { &mut over_n } else { &mut over_k }.push(b);
        // 33 rounds for every 16 of the sum, and the stores (`rounds` of the kernel).
        let deepest = (self.options.limits.max_loop_rounds as usize).saturating_sub(100) / 33 * 16;
        let blocks = [
            self.divide(label, m, &over_m, Some(y), usize::MAX)?,
            self.divide(label, n, &over_n, None, usize::MAX)?,
            self.divide(label, k, &over_k, None, if deep { deepest } else { usize::MAX })?,
        ];
        self.product_in_blocks(&Product { label, trans, a, b, blocks }, y)
    }

    /// Blocks of the rows of `slot`, a matrix that is only read, each of which a binding holds.
    pub(super) fn row_blocks(&self, label: &str, slot: Slot, [rows, cols]: [usize; 2]) -> Result<Vec<Range<usize>>> {
        // Read in place: as for a large result, a block begins where a binding may.
        self.divide(label, rows, &[], Some(Matrix { slot, cols }), usize::MAX)
    }

    /// Divides `0..size`, which counts the rows of `operands` and of `result`, so that a binding holds a block of each;
    /// without need, not at all.
    fn divide(
        &self,
        label: &str,
        size: usize,
        operands: &[Matrix],
        result: Option<Matrix>,
        most: usize,
    ) -> Result<Vec<Range<usize>>> {
        let max = self.options.limits.binding_elements();
        let all = || operands.iter().chain(&result);
        let large = |t: &&Matrix| !self.fits(self.whole(t.slot));
        let cuts: Vec<usize> =
            all().flat_map(|t| self.cuts(t.slot).into_iter().map(|c| c / t.cols).collect::<Vec<_>>()).collect();
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
        let refused = || self.too_large(label, widest * size, &format!("{least} rows of {widest} numbers"));
        let blocks = blocks(size, rows.ok_or_else(refused)?, &cuts);
        if blocks.iter().any(|b| b.start % least != 0) {
            return Err(refused());
        }
        Ok(blocks)
    }

    fn product_in_blocks(&mut self, p: &Product<'_>, y: Matrix) -> Result<()> {
        let in_place = p.blocks[0].iter().all(|m| (m.start * y.cols).is_multiple_of(ALIGN_ELEMENTS));
        let mut blocks = Vec::new();
        for m in p.blocks[0].clone() {
            let rows = match in_place {
                true => Part { slot: y.slot, first: m.start * y.cols, len: m.len() * y.cols },
                false => self.block(format!("{} rows {}..{}", p.label, m.start, m.end), m.len(), y.cols),
            };
            blocks.push((rows, rows.len));
            if p.blocks[1].len() == 1 {
                self.sum_of_products(p, &m, &(0..y.cols), rows)?;
                continue;
            }
            let mut columns = Vec::new();
            for n in p.blocks[1].clone() {
                let name = format!("{} columns {}..{}", p.label, n.start, n.end);
                let block = self.block(name, m.len(), n.len());
                self.sum_of_products(p, &m, &n, block)?;
                columns.push((block, n.len()));
            }
            self.join(p.label, m.len(), columns, rows);
        }
        if !in_place {
            // Blocks of rows, each taken for one row, are the columns of a matrix of one row.
            let y = self.whole(y.slot);
            self.join(p.label, 1, blocks, y);
        }
        Ok(())
    }

    /// One block of the result, to `into`: the products over the blocks of k, added in rising order.
    fn sum_of_products(&mut self, p: &Product<'_>, m: &Range<usize>, n: &Range<usize>, into: Part) -> Result<()> {
        let mut sum: Option<Part> = None;
        let count = p.blocks[2].len();
        for (i, k) in p.blocks[2].iter().enumerate() {
            let window = |t: bool, outer: &Range<usize>, inner: &Range<usize>| match t {
                true => (inner.clone(), outer.clone()),
                false => (outer.clone(), inner.clone()),
            };
            let a = self.operand(p.label, p.a, window(p.trans[0], m, k));
            let b = self.operand(p.label, p.b, window(p.trans[1], k, n));
            let product = match count {
                1 => into,
                _ => self.block(format!("{} part {i}", p.label), m.len(), n.len()),
            };
            self.push_product(p.label, [m.len(), n.len(), k.len()], p.trans, vec![a, b, product]);
            sum = Some(match sum {
                None => product,
                Some(before) => {
                    let last = i + 1 == count;
                    let name = || format!("{} parts 0..={i}", p.label);
                    let total = if last { into } else { self.block(name(), m.len(), n.len()) };
                    self.push_add(p.label, before, product, total);
                    total
                }
            });
        }
        Ok(())
    }

    /// Rows and columns of a matrix: in place where they lie in one piece that a binding may begin at, else copied.
    fn operand(&mut self, label: &str, t: Matrix, (rows, cols): (Range<usize>, Range<usize>)) -> Part {
        let first = rows.start * t.cols + cols.start;
        if cols.len() == t.cols && first.is_multiple_of(ALIGN_ELEMENTS) {
            return Part { slot: t.slot, first, len: rows.len() * t.cols };
        }
        let start = first / ALIGN_ELEMENTS * ALIGN_ELEMENTS;
        let name = format!("{label} copy of rows {}..{}, columns {}..{}", rows.start, rows.end, cols.start, cols.end);
        let block = self.block(name, rows.len(), cols.len());
        let args = sizes(&[rows.len(), cols.len(), t.cols, first - start]);
        let window = Part { slot: t.slot, first: start, len: (rows.len() - 1) * t.cols + cols.len() + first - start };
        let args = Args { params: args, constants: vec![] };
        self.push(Kernel::copy_window, label, args, vec![window, block]);
        block
    }

    /// A new scratch matrix.
    pub(super) fn block(&mut self, name: String, rows: usize, cols: usize) -> Part {
        let slot = self.scratch(name, vec![rows, cols], Dtype::F32);
        self.whole(slot)
    }

    /// Puts blocks of columns together, neighbours first, so that an element is copied as often as a tree is high.
    fn join(&mut self, label: &str, rows: usize, mut columns: Vec<(Part, usize)>, into: Part) {
        while columns.len() > 1 {
            let last = columns.len() == 2;
            let mut joined = Vec::new();
            for pair in columns.chunks(2) {
                let [(a, cols_a), (b, cols_b)] = pair else {
                    joined.extend_from_slice(pair);
                    continue;
                };
                let cols = cols_a + cols_b;
                let y = if last { into } else { self.block(format!("{label} joined columns"), rows, cols) };
                let args = Args { params: sizes(&[rows, *cols_a, *cols_b]), constants: vec![] };
                self.push(Kernel::join_columns, label, args, vec![*a, *b, y]);
                joined.push((y, cols));
            }
            columns = joined;
        }
    }

    fn push_product(&mut self, label: &str, size: [usize; 3], [trans_a, trans_b]: [bool; 2], parts: Vec<Part>) {
        let mut constants = self.options.product(size, [trans_a, trans_b]);
        constants.extend([("TRANS_A", f64::from(trans_a)), ("TRANS_B", f64::from(trans_b))]);
        self.push(Kernel::matmul, label, Args { params: sizes(&size), constants }, parts);
    }

    /// y = a + b, of one length.
    pub(super) fn push_add(&mut self, label: &str, a: Part, b: Part, y: Part) {
        let args = Args { params: sizes(&[y.len]), constants: vec![] };
        self.push(Kernel::add, label, args, vec![a, b, y]);
    }
}
