//! What one row of the kernel table says, and what its CPU function sees.

use super::scalar::Scalar;

/// Element type of a binding. Every element is 4 bytes on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// `f32` on the GPU; `f32` or `f64` on the CPU.
    F32,
    /// `u32` everywhere: indices, classes, the step counter.
    U32,
}

/// How a kernel uses a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`: every element is overwritten.
    Write,
    /// `var<storage, read_write>`: the old contents matter (parameters, optimizer state, the step counter).
    Update,
}

/// One storage binding: its WGSL name, access and element type. Binding 0 is `params`; these follow from 1.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The variable's name in the shader.
    pub name: &'static str,
    /// Read, write or update.
    pub access: Access,
    /// Element type.
    pub dtype: Dtype,
}

/// Shorthands for the rows.
pub(super) const fn read(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, dtype: Dtype::F32 }
}
pub(super) const fn read_u32(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, dtype: Dtype::U32 }
}
pub(super) const fn write(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, dtype: Dtype::F32 }
}
pub(super) const fn write_u32(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, dtype: Dtype::U32 }
}
pub(super) const fn update(name: &'static str) -> Binding {
    Binding { name, access: Access::Update, dtype: Dtype::F32 }
}
pub(super) const fn update_u32(name: &'static str) -> Binding {
    Binding { name, access: Access::Update, dtype: Dtype::U32 }
}

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
        match self {
            In::F(v) => v,
            In::U(_) => unreachable!("a u32 binding was read as numbers"),
        }
    }

    /// The indices of this binding.
    pub fn u(&self) -> &'a [u32] {
        match self {
            In::U(v) => v,
            In::F(_) => unreachable!("an f32 binding was read as indices"),
        }
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
        match self {
            Out::F(v) => v,
            Out::U(_) => unreachable!("a u32 binding was written as numbers"),
        }
    }

    /// The indices of this binding.
    pub fn u(&mut self) -> &mut [u32] {
        match self {
            Out::U(v) => v,
            Out::F(_) => unreachable!("an f32 binding was written as indices"),
        }
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

impl<T: Scalar> Call<'_, '_, T> {
    /// The numbers of input `i`.
    pub fn input(&self, i: usize) -> &[T] {
        self.inputs[i].f()
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

/// Bounds the error of every written binding after the dispatch: one vector for each of `after`.
pub type BoundFn = fn(&BoundCall<'_>) -> Vec<Vec<f64>>;

/// One row of the kernel table.
pub struct Row {
    /// Names the shader file, the CPU function and the label.
    pub name: &'static str,
    /// The shader's text, includes not yet expanded.
    pub wgsl: &'static str,
    /// Storage bindings from binding 1 on.
    pub bindings: &'static [Binding],
    /// Names of the `Params` members, in order.
    pub params: &'static [&'static str],
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Number of workgroups, before folding into three dimensions.
    pub groups: fn(&Args) -> u64,
    /// Floating-point operations of one dispatch (a built-in or a division counts as one).
    pub flops: fn(&Args) -> u64,
    /// Bytes that must move between memory and the processor at least once, in `f32`.
    pub bytes: fn(&Args) -> u64,
    /// The local error bound as a formula, for people.
    pub bound_formula: &'static str,
    /// The error bound as a function, inputs' errors propagated.
    pub bound: BoundFn,
    /// The CPU function in `f32`.
    pub cpu_f32: fn(&mut Call<'_, '_, f32>),
    /// The CPU function in `f64`.
    pub cpu_f64: fn(&mut Call<'_, '_, f64>),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("name", &self.name).finish_non_exhaustive()
    }
}
