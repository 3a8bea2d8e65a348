//! Loops compiled for every vector width that this processor may have, the widest chosen at run time.
//!
//! The crate `pulp` compiles a loop once for each instruction set and calls the best one. Everything inside must be
//! inlined, or it stays compiled for the least processor: hence structs with an always-inlined `call` instead of closures,
//! and `#[inline(always)]` on the scalar functions.

use crate::kernels::scalar::Scalar;
use pulp::{Arch, Simd, WithSimd};
use std::sync::LazyLock;

/// A loop that [`widest`] runs.
pub trait Loop {
    /// Runs it. Implementations are `#[inline(always)]`.
    fn call(self);
}

/// A function of one number. A trait of its own beside `Fn`, because a method can be `#[inline(always)]` and a closure cannot.
pub trait Function<T>: Copy + Sync {
    /// The value at `x`.
    fn at(self, x: T) -> T;
}

impl<T, F: Fn(T) -> T + Copy + Sync> Function<T> for F {
    #[inline(always)]
    fn at(self, x: T) -> T {
        self(x)
    }
}

struct Adapter<L>(L);

impl<L: Loop> WithSimd for Adapter<L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.0.call();
    }
}

/// What this processor has; asked once, because asking takes as long as a small loop.
static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

/// Runs `work` with the widest vectors of this processor.
#[inline]
pub fn widest(work: impl Loop) {
    ARCH.dispatch(Adapter(work));
}

/// `y[i] = f(x[i])`
pub fn map<T: Scalar>(y: &mut [T], x: &[T], f: impl Function<T>) {
    struct Map<'a, T, F>(&'a mut [T], &'a [T], F);
    impl<T: Scalar, F: Function<T>> Loop for Map<'_, T, F> {
        #[inline(always)]
        fn call(self) {
            for (y, &x) in self.0.iter_mut().zip(self.1) {
                *y = self.2.at(x);
            }
        }
    }
    widest(Map(y, x, f));
}

/// `y[i] = f(y[i])`
pub fn map_in_place<T: Scalar>(y: &mut [T], f: impl Function<T>) {
    struct Map<'a, T, F>(&'a mut [T], F);
    impl<T: Scalar, F: Function<T>> Loop for Map<'_, T, F> {
        #[inline(always)]
        fn call(self) {
            for y in self.0 {
                *y = self.1.at(*y);
            }
        }
    }
    widest(Map(y, f));
}

/// `y[i] = a[i] * f(x[i])`
pub fn product<T: Scalar>(y: &mut [T], a: &[T], x: &[T], f: impl Function<T>) {
    struct Product<'a, T, F>(&'a mut [T], &'a [T], &'a [T], F);
    impl<T: Scalar, F: Function<T>> Loop for Product<'_, T, F> {
        #[inline(always)]
        fn call(self) {
            for ((y, &a), &x) in self.0.iter_mut().zip(self.1).zip(self.2) {
                *y = a * self.3.at(x);
            }
        }
    }
    widest(Product(y, a, x, f));
}

/// `y[i] *= f(x[i])`
pub fn product_in_place<T: Scalar>(y: &mut [T], x: &[T], f: impl Function<T>) {
    struct Product<'a, T, F>(&'a mut [T], &'a [T], F);
    impl<T: Scalar, F: Function<T>> Loop for Product<'_, T, F> {
        #[inline(always)]
        fn call(self) {
            for (y, &x) in self.0.iter_mut().zip(self.1) {
                *y *= self.2.at(x);
            }
        }
    }
    widest(Product(y, x, f));
}

/// `y[i] = a[i] + b[i]`
pub fn sum<T: Scalar>(y: &mut [T], a: &[T], b: &[T]) {
    struct Sum<'a, T>(&'a mut [T], &'a [T], &'a [T]);
    impl<T: Scalar> Loop for Sum<'_, T> {
        #[inline(always)]
        fn call(self) {
            for ((y, &a), &b) in self.0.iter_mut().zip(self.1).zip(self.2) {
                *y = a + b;
            }
        }
    }
    widest(Sum(y, a, b));
}

/// `y[i, j] += b[j]` for every row of `y`.
pub fn add_to_rows<T: Scalar>(y: &mut [T], b: &[T]) {
    struct Rows<'a, T>(&'a mut [T], &'a [T]);
    impl<T: Scalar> Loop for Rows<'_, T> {
        #[inline(always)]
        fn call(self) {
            for row in self.0.chunks_exact_mut(self.1.len()) {
                for (y, &b) in row.iter_mut().zip(self.1) {
                    *y += b;
                }
            }
        }
    }
    widest(Rows(y, b));
}

/// `y[j] = sum over i of x[i, first + j]`, `x` of rows of `cols` elements, in rising order of rows.
pub fn column_sums<T: Scalar>(y: &mut [T], x: &[T], cols: usize, first: usize) {
    struct Columns<'a, T>(&'a mut [T], &'a [T], usize, usize);
    impl<T: Scalar> Loop for Columns<'_, T> {
        #[inline(always)]
        fn call(self) {
            let Columns(y, x, cols, first) = self;
            let width = y.len();
            y.fill(T::zero());
            for row in x.chunks_exact(cols) {
                for (y, &x) in y.iter_mut().zip(&row[first..first + width]) {
                    *y += x;
                }
            }
        }
    }
    widest(Columns(y, x, cols, first));
}
