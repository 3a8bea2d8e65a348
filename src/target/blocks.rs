//! Blocks of rows: how a tensor that no binding or buffer can hold whole is divided.
//!
//! Tensors are row-major, so a block of rows lies in one piece. A binding begins at a multiple of [`ALIGN_ELEMENTS`], so a
//! block may begin only at every few rows, unless it is copied to a place of its own.

use super::ALIGN_ELEMENTS;
use std::ops::Range;

/// Every row whose number is a multiple of this begins at a multiple of [`ALIGN_ELEMENTS`], for rows of `cols` elements.
pub fn row_alignment(cols: usize) -> usize {
    // The greatest common divisor with a power of two is a power of two.
    let common = 1 << cols.max(1).trailing_zeros().min(ALIGN_ELEMENTS.trailing_zeros());
    ALIGN_ELEMENTS / common
}

/// The most rows, in multiples of `align`, of which `max` elements hold the whole; `None` if not even `align` rows fit.
pub fn block_rows(cols: usize, max: usize, align: usize) -> Option<usize> {
    let rows = max / cols.max(1) / align * align;
    (rows > 0).then_some(rows)
}

/// Rows at which a tensor `[rows, cols]` goes on in another buffer of `max` elements; none if it fits one. `None` if a buffer
/// cannot hold the least number of rows that may stand alone.
///
/// Multiples of [`ALIGN_ELEMENTS`] rows where a buffer holds so many, else of the next lower power of two: whatever else has
/// as many rows can then be divided at the same ones.
pub fn buffer_cuts(rows: usize, cols: usize, max: usize) -> Option<Vec<usize>> {
    if rows * cols <= max {
        return Some(Vec::new());
    }
    let alignments = (0..=ALIGN_ELEMENTS.trailing_zeros()).rev().map(|power| 1 << power);
    let each = alignments.filter(|a| *a >= row_alignment(cols)).find_map(|align| block_rows(cols, max, align))?;
    Some((1..rows.div_ceil(each)).map(|i| i * each).collect())
}

/// Divides `0..size` into blocks of at most `most`, none across one of `cuts`.
pub fn blocks(size: usize, most: usize, cuts: &[usize]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    while start < size {
        let cut = cuts.iter().copied().filter(|c| *c > start).min().unwrap_or(size);
        let end = start.saturating_add(most.max(1)).min(cut).min(size);
        blocks.push(start..end);
        start = end;
    }
    blocks
}
