//! Matrix products through the crate `gemm`: the one place in wgrad with `unsafe`.
//!
//! Why: `gemm`'s only interface takes raw pointers and strides. It is 20 to 50 times faster than a plain triple loop
//! (`cargo bench --bench kernels -- gemm` measures both); the assertions below are what its safety contract asks for.
#![allow(unsafe_code)]

use crate::kernels::scalar::Scalar;

/// Below this many multiply-adds a thread hand-off costs more than it saves.
const PARALLEL_FROM: usize = 96 * 96 * 96;
/// Up to this many multiply-adds a call of the crate costs more than the work.
const PLAIN_UP_TO: usize = 128;

/// y `[m, n]` = op(a) · op(b), row-major; `trans_a` says that a is stored `[k, m]`, `trans_b` that b is stored `[n, k]`.
pub fn gemm<T: Scalar>(y: &mut [T], a: &[T], b: &[T], [m, n, k]: [usize; 3], trans_a: bool, trans_b: bool) {
    assert!(y.len() >= m * n && a.len() >= m * k && b.len() >= k * n, "operands are shorter than their shapes");
    let strides = |transposed: bool, rows: usize, cols: usize| -> (isize, isize) {
        if transposed { (1, rows as isize) } else { (cols as isize, 1) }
    };
    let (a_row, a_col) = strides(trans_a, m, k);
    let (b_row, b_col) = strides(trans_b, k, n);
    if m * n * k <= PLAIN_UP_TO {
        let step = |s: isize| s.unsigned_abs();
        return plain(y, a, b, [m, n, k], [a_row, a_col].map(step), [b_row, b_col].map(step));
    }
    let parallelism = if m * n * k < PARALLEL_FROM { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(0) };
    // SAFETY: the strides describe dense row-major matrices of the sizes asserted above, so every address that gemm
    // forms lies within its slice; y is a unique borrow and cannot alias a or b; T is f32 or f64, which gemm supports.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y.as_mut_ptr(),
            1,
            n as isize,
            false,
            a.as_ptr(),
            a_col,
            a_row,
            b.as_ptr(),
            b_col,
            b_row,
            T::zero(),
            T::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The product by its definition; strides of rows and columns in elements.
fn plain<T: Scalar>(y: &mut [T], a: &[T], b: &[T], [m, n, k]: [usize; 3], a_step: [usize; 2], b_step: [usize; 2]) {
    for i in 0..m {
        for j in 0..n {
            let mut sum = T::zero();
            for p in 0..k {
                sum += a[i * a_step[0] + p * a_step[1]] * b[p * b_step[0] + j * b_step[1]];
            }
            y[i * n + j] = sum;
        }
    }
}
