//! One dispatch as a kernel sees it: its arguments, its operands on the CPU, and what the error analysis knows of them.

use super::scalar::Scalar;
use num_traits::AsPrimitive;

/// One member of a kernel's `Params` struct, 4 bytes each, in the shader's order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Param {
    /// A size, stride or count.
    U(u32),
    /// A number; rounded to `f32` for the GPU, kept for the CPU in `f64`.
    F(f64),
}

/// The values of one dispatch that are fixed when the plan is built: `params` in the row's order, and `override`
/// constants by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Args {
    /// The `Params` struct of the shader, member by member.
    pub params: Vec<Param>,
    /// `override` constants of the shader.
    pub constants: Vec<(&'static str, f64)>,
}

impl Args {
    /// The integer parameter at position `i`.
    pub fn size(&self, i: usize) -> usize {
        match self.params[i] {
            Param::U(v) => v as usize,
            Param::F(v) => unreachable!("parameter {i} is the number {v}, not a size"),
        }
    }

    /// The first `N` parameters, which must be sizes.
    pub fn sizes<const N: usize>(&self) -> [usize; N] {
        std::array::from_fn(|i| self.size(i))
    }

    /// The same as a 64-bit number, for costs.
    pub fn count(&self, i: usize) -> u64 {
        self.size(i) as u64
    }

    /// The product of the first two parameters: the elements of a matrix.
    pub fn area(&self) -> u64 {
        self.count(0) * self.count(1)
    }

    /// The number at position `i`.
    pub fn number(&self, i: usize) -> f64 {
        match self.params[i] {
            Param::F(v) => v,
            Param::U(v) => unreachable!("parameter {i} is the size {v}, not a number"),
        }
    }

    /// The `override` constant `name`, 0 where the dispatch does not set it. Inlined, so that a literal name is compared
    /// as a number.
    #[inline(always)]
    pub fn constant(&self, name: &str) -> f64 {
        self.constants.iter().find(|(n, _)| *n == name).map_or(0.0, |(_, v)| *v)
    }

    /// The `override` constant `name` as a count, and the shader's own where the dispatch does not set it.
    pub(super) fn count_or(&self, name: &str, own: u64) -> u64 {
        match self.constant(name) as u64 {
            0 => own,
            set => set,
        }
    }
}

/// A read binding as the CPU function sees it.
#[derive(Debug, Clone, Copy)]
pub enum In<'a, T> {
    /// Numbers.
    F(&'a [T]),
    /// Indices.
    U(&'a [u32]),
}

impl<'a, T> In<'a, T> {
    /// The numbers of this binding.
    pub fn f(&self) -> &'a [T] {
        let In::F(v) = self else { unreachable!("a u32 binding was read as numbers") };
        v
    }

    /// The indices of this binding.
    pub fn u(&self) -> &'a [u32] {
        let In::U(v) = self else { unreachable!("an f32 binding was read as indices") };
        v
    }
}

/// A written binding as the CPU function sees it.
#[derive(Debug)]
pub enum Out<'a, T> {
    /// Numbers.
    F(&'a mut [T]),
    /// Indices.
    U(&'a mut [u32]),
}

impl<T> Out<'_, T> {
    /// The numbers of this binding.
    pub fn f(&mut self) -> &mut [T] {
        let Out::F(v) = self else { unreachable!("a u32 binding was written as numbers") };
        v
    }

    /// The indices of this binding.
    pub fn u(&mut self) -> &mut [u32] {
        let Out::U(v) = self else { unreachable!("an f32 binding was written as indices") };
        v
    }
}

/// One dispatch on the CPU: `inputs` are the row's `Read` bindings in order, `outputs` its `Write` and `Update`
/// bindings in order.
pub struct Call<'a, 'b, T> {
    /// Parameters and constants.
    pub args: &'a Args,
    /// The row's read bindings, in its order.
    pub inputs: &'a [In<'b, T>],
    /// The row's written bindings, in its order.
    pub outputs: &'a mut [Out<'b, T>],
}

impl<'b, T: Scalar> Call<'_, 'b, T> {
    /// The `rows` indices of this step's row of a table: inputs 0 and 1 are `step` and `index`.
    pub(super) fn index(&self, rows: usize, stride: usize) -> &'b [u32] {
        &self.inputs[1].u()[self.inputs[0].u()[0] as usize * stride..][..rows]
    }

    /// The outputs as number slices, for kernels whose outputs are all numbers.
    pub fn outputs<const N: usize>(&mut self) -> [&mut [T]; N] {
        let mut rest = self.outputs.iter_mut();
        std::array::from_fn(|i| match rest.next() {
            Some(out) => out.f(),
            None => unreachable!("the row has no output {i}"),
        })
    }
}

/// Values with a bound on the absolute error that they already carry, element by element.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// The exact-arithmetic reference, in `f64`.
    pub value: Vec<f64>,
    /// `|GPU value - value| <= error`, element by element.
    pub error: Vec<f64>,
}

impl Measured {
    /// The rows that `index` names, of `cols` elements each.
    pub(super) fn picked(&self, index: &[f64], cols: usize) -> Measured {
        Measured { value: picked(&self.value, index, cols), error: picked(&self.error, index, cols) }
    }
}

/// The rows of `data` that `index` names, of `cols` elements each.
pub(super) fn picked<E: Copy, I: AsPrimitive<usize>>(data: &[E], index: &[I], cols: usize) -> Vec<E> {
    index.iter().flat_map(|row| &data[row.as_() * cols..][..cols]).copied().collect()
}

/// One dispatch as the error analysis sees it. All bindings hold numbers here (u32 bindings are widened; their error
/// is 0).
pub struct BoundCall<'a> {
    /// Parameters and constants.
    pub args: &'a Args,
    /// The row's `Read` bindings, in its order.
    pub inputs: &'a [Measured],
    /// The row's `Write` and `Update` bindings before the dispatch, in its order (contents of `Write` are unspecified).
    pub before: &'a [Measured],
    /// The same bindings' exact values after the dispatch.
    pub after: &'a [Vec<f64>],
}

impl BoundCall<'_> {
    /// The same as [`Call::index`].
    pub(super) fn index(&self, rows: usize, stride: usize) -> &[f64] {
        &self.inputs[1].value[self.inputs[0].value[0] as usize * stride..][..rows]
    }
}

/// Bounds the error of every written binding after the dispatch: one vector for each of `after`.
pub type BoundFn = fn(&BoundCall<'_>) -> Vec<Vec<f64>>;
