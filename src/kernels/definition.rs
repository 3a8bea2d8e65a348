//! What is known of a kernel, and what its CPU function sees.

use super::scalar::Scalar;
use std::sync::{Mutex, PoisonError};

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

impl Binding {
    /// Numbers that are read.
    pub const fn read(name: &'static str) -> Binding {
        read(name)
    }

    /// Numbers that are written, every one of them.
    pub const fn write(name: &'static str) -> Binding {
        write(name)
    }
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

/// All that is known of a kernel.
#[derive(Clone)]
pub struct Definition {
    /// Label in plans and messages.
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

impl Definition {
    /// What most kernels share, to begin a definition with: one workgroup of 64, no operations. Name, text, bindings, params, bound
    /// and CPU functions are always a kernel's own.
    pub const NEW: Definition = Definition {
        name: "",
        wgsl: "",
        bindings: &[],
        params: &[],
        workgroup: [64, 1, 1],
        groups: |_| 1,
        flops: |_| 0,
        bytes: |_| 0,
        bound_formula: "",
        bound: |_| Vec::new(),
        cpu_f32: |_| {},
        cpu_f64: |_| {},
    };
}

/// A kernel: a handle to its [`Definition`], which lives as long as the program.
#[derive(Clone, Copy)]
pub struct Kernel(&'static Definition);

impl Kernel {
    /// A kernel whose definition is a static.
    pub const fn built_in(definition: &'static Definition) -> Kernel {
        Kernel(definition)
    }

    /// A kernel of one's own. The same name and text give the same kernel, so that nothing is kept twice.
    pub fn define(definition: Definition) -> Kernel {
        static DEFINED: Mutex<Vec<&'static Definition>> = Mutex::new(Vec::new());
        let mut defined = DEFINED.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |d: &&&'static Definition| d.name == definition.name && d.wgsl == definition.wgsl;
        if let Some(known) = defined.iter().find(same) {
            return Kernel(known);
        }
        let kept: &'static Definition = Box::leak(Box::new(definition));
        defined.push(kept);
        Kernel(kept)
    }

    /// What it is ordered and compared by.
    fn key(self) -> (&'static str, usize) {
        (self.0.name, std::ptr::from_ref(self.0).addr())
    }
}

impl std::ops::Deref for Kernel {
    type Target = Definition;

    fn deref(&self) -> &Definition {
        self.0
    }
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Kernel) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Kernel {}

impl PartialOrd for Kernel {
    fn partial_cmp(&self, other: &Kernel) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kernel {
    fn cmp(&self, other: &Kernel) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for Kernel {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
