//! Matrix products through the crate `gemm`: the one place in wgrad with `unsafe`.
//!
//! Why: `gemm`'s only interface takes raw pointers and strides. It is 20 to 50 times faster than a plain triple loop
//! (`cargo bench --bench kernels -- gemm` measures both); the assertions below are what its safety contract asks for.
//!
//! Threads are ours: a large product is cut into parts, and each is a product by itself. The crate's own division waits
//! for all threads after each packing and packs one operand on a single thread; on products of 64 to 256 rows it reaches
//! 0.5 to 0.8 of this. How a product is cut depends on its sizes alone, never on the number of threads, so that neither
//! do the bits of the result.
#![allow(unsafe_code)]

use crate::kernels::scalar::Scalar;
use rayon::prelude::*;

/// Up to this many multiply-adds a call of the crate costs more than the work.
const PLAIN_UP_TO: usize = 128;
/// Multiply-adds from which on a product is cut into so many parts: a part takes at least 10 us, which is several times
/// a hand-off, and there are more parts than most processors have cores only where that costs nothing.
const PARTS: [(usize, usize); 3] = [(1 << 27, 16), (1 << 24, 8), (96 * 96 * 96, 4)];
/// Columns of a part are a multiple of this: a vector of AVX-512.
const COLUMNS: usize = 16;
/// Rows of a part are a multiple of this.
const ROWS: usize = 8;

/// A product's sizes, and how its operands lie: strides of rows and columns.
#[derive(Clone, Copy)]
struct Shape {
    sizes: [usize; 3],
    a: [usize; 2],
    b: [usize; 2],
}

/// A rectangle of the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) col: usize,
    pub(crate) cols: usize,
}

/// y `[m, n]` = op(a) · op(b), row-major; `trans_a` says that a is stored `[k, m]`, `trans_b` that b is stored `[n, k]`.
pub fn gemm<T: Scalar>(y: &mut [T], a: &[T], b: &[T], sizes @ [m, n, k]: [usize; 3], trans_a: bool, trans_b: bool) {
    assert!(y.len() >= m * n && a.len() >= m * k && b.len() >= k * n, "operands are shorter than their shapes");
    let strides = |transposed: bool, rows: usize, cols: usize| if transposed { [1, rows] } else { [cols, 1] };
    let shape = Shape { sizes, a: strides(trans_a, m, k), b: strides(trans_b, k, n) };
    if m * n * k <= PLAIN_UP_TO {
        return plain(y, a, b, shape);
    }
    let target = Target(y.as_mut_ptr());
    match cut(sizes) {
        (1, at) => part(target, a, b, shape, at(0)),
        (count, at) => (0..count).into_par_iter().with_max_len(1).for_each(|i| part(target, a, b, shape, at(i))),
    }
}

/// How a product is cut: the number of parts, and each. Along the columns, which need no operand packed twice, or along the rows
/// where there are many more; the last part has what is left.
pub(crate) fn cut([m, n, k]: [usize; 3]) -> (usize, impl Fn(usize) -> Part + Sync) {
    let count = PARTS.iter().find(|(from, _)| m * n * k >= *from).map_or(1, |(_, count)| *count);
    let columns = count == 1 || n >= m / 4;
    let (length, multiple) = if columns { (n, COLUMNS) } else { (m, ROWS) };
    let width = if count == 1 { n } else { length.div_ceil(count).next_multiple_of(multiple) };
    let part = move |i: usize| {
        let (first, len) = (i * width, width.min(length - i * width));
        match columns {
            true => Part { row: 0, rows: m, col: first, cols: len },
            false => Part { row: first, rows: len, col: 0, cols: n },
        }
    };
    (length.div_ceil(width), part)
}

/// The start of the result, which several threads write, each its own part.
#[derive(Clone, Copy)]
struct Target<T>(*mut T);

// SAFETY: the pointer is only used in `part`, for disjoint rectangles of a slice that `gemm` borrows uniquely meanwhile.
unsafe impl<T: Send> Send for Target<T> {}
unsafe impl<T: Send> Sync for Target<T> {}

/// Computes one rectangle of the result on this thread.
fn part<T: Scalar>(y: Target<T>, a: &[T], b: &[T], shape: Shape, p: Part) {
    let [_, n, k] = shape.sizes;
    let signed = |strides: [usize; 2]| strides.map(|s| s as isize);
    let ([a_row, a_col], [b_row, b_col]) = (signed(shape.a), signed(shape.b));
    // SAFETY: the strides describe dense row-major matrices of the sizes that `gemm` has checked against the slices, and
    // `cut` cuts within them, so every address that gemm forms lies within its slice; y is a unique borrow that cannot
    // alias a or b, and no two parts overlap; T is f32 or f64, which gemm supports.
    unsafe {
        gemm::gemm(
            p.rows,
            p.cols,
            k,
            y.0.add(p.row * n + p.col),
            1,
            n as isize,
            false,
            a.as_ptr().offset(p.row as isize * a_row),
            a_col,
            a_row,
            b.as_ptr().offset(p.col as isize * b_col),
            b_col,
            b_row,
            T::zero(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The product by its definition.
fn plain<T: Scalar>(y: &mut [T], a: &[T], b: &[T], shape: Shape) {
    let [m, n, k] = shape.sizes;
    for i in 0..m {
        for j in 0..n {
            let mut sum = T::zero();
            for p in 0..k {
                sum += a[i * shape.a[0] + p * shape.a[1]] * b[p * shape.b[0] + j * shape.b[1]];
            }
            y[i * n + j] = sum;
        }
    }
}
