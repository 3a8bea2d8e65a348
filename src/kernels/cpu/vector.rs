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

/// Defines functions over slices whose loops are compiled for every vector width: what stands in the braces becomes the
/// inlined `call` of a struct of the arguments.
macro_rules! loops {
    ($($(#[$doc:meta])* fn $name:ident$(<$f:ident>)?($($arg:ident: $type:ty),*) $body:block)*) => {$(
        $(#[$doc])*
        #[allow(clippy::needless_lifetimes, reason = "the struct needs them in the same types")]
        pub fn $name<'a, T: Scalar $(, $f: Function<T>)?>($($arg: $type),*) {
            struct Work<'a, T $(, $f)?> {
                $($arg: $type,)*
            }
            impl<T: Scalar $(, $f: Function<T>)?> Loop for Work<'_, T $(, $f)?> {
                #[inline(always)]
                fn call(self) {
                    let Work { $($arg),* } = self;
                    $body
                }
            }
            widest(Work { $($arg),* });
        }
    )*};
}

loops! {
    /// `y[i] = f(x[i])`
    fn map<F>(y: &'a mut [T], x: &'a [T], f: F) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f.at(x);
        }
    }

    /// `y[i] = f(y[i])`
    fn map_in_place<F>(y: &'a mut [T], f: F) {
        for y in y {
            *y = f.at(*y);
        }
    }

    /// `y[i] = a[i] * f(x[i])`
    fn product<F>(y: &'a mut [T], a: &'a [T], x: &'a [T], f: F) {
        for ((y, &a), &x) in y.iter_mut().zip(a).zip(x) {
            *y = a * f.at(x);
        }
    }

    /// `y[i] *= f(x[i])`
    fn product_in_place<F>(y: &'a mut [T], x: &'a [T], f: F) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y *= f.at(x);
        }
    }

    /// `y[i] = a[i] + b[i]`
    fn sum(y: &'a mut [T], a: &'a [T], b: &'a [T]) {
        for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
            *y = a + b;
        }
    }

    /// `y[i, j] += b[j]` for every row of `y`.
    fn add_to_rows(y: &'a mut [T], b: &'a [T]) {
        for row in y.chunks_exact_mut(b.len()) {
            for (y, &b) in row.iter_mut().zip(b) {
                *y += b;
            }
        }
    }

    /// `y[j] = sum over i of x[i, first + j]`, `x` of rows of `cols` elements, in rising order of rows.
    fn column_sums(y: &'a mut [T], x: &'a [T], cols: usize, first: usize) {
        let width = y.len();
        y.fill(T::zero());
        for row in x.chunks_exact(cols) {
            for (y, &x) in y.iter_mut().zip(&row[first..first + width]) {
                *y += x;
            }
        }
    }
}
