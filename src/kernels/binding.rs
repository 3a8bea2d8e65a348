//! The bindings of a kernel: access, element type, length, and what a conformance case puts there.

use super::call::Args;
use super::conformance::Values;

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

/// How many elements a binding has, and what becomes of it when a dispatch is divided along its first parameter.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// Rows of so many elements, one for each of the first parameter's.
    Rows(fn(&Args) -> usize),
    /// A table, of which every step has a row with one element for each of the first parameter's; so many elements lie between
    /// the starts of two rows, 0 where one row serves every step.
    Table(fn(&Args) -> usize),
    /// So many elements for tables of so many steps; the same for every block.
    Whole(fn(&Args, usize) -> usize),
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
    /// Number of elements.
    pub extent: Extent,
    /// What a conformance case puts there.
    pub values: Values,
}

impl Binding {
    /// One element for each of the first parameter's.
    const fn new(name: &'static str, access: Access, dtype: Dtype) -> Binding {
        Binding { name, access, dtype, extent: Extent::Rows(|_| 1), values: Values::Number }
    }

    /// The same with rows of `cols` elements.
    pub const fn rows(self, cols: fn(&Args) -> usize) -> Binding {
        Binding { extent: Extent::Rows(cols), ..self }
    }

    /// A matrix of as many columns as the second parameter says.
    pub const fn matrix(self) -> Binding {
        self.rows(|args| args.size(1))
    }

    /// A table with a row for each step, `stride` elements apart.
    pub const fn table(self, stride: fn(&Args) -> usize) -> Binding {
        Binding { extent: Extent::Table(stride), ..self }
    }

    /// So many elements, for tables of so many steps.
    pub const fn whole(self, len: fn(&Args, usize) -> usize) -> Binding {
        Binding { extent: Extent::Whole(len), ..self }
    }

    /// As many elements as the second parameter says.
    pub const fn columns(self) -> Binding {
        self.whole(|args, _| args.size(1))
    }

    /// One element.
    pub const fn one(self) -> Binding {
        self.whole(|_, _| 1)
    }

    /// With these values in a conformance case.
    pub const fn of(self, values: Values) -> Binding {
        Binding { values, ..self }
    }

    /// Elements that a dispatch touches, for tables of `steps` steps. What a table of indices points into may have any number of
    /// rows: one is counted. A binding that is never touched counts as one element, because none can be empty.
    pub fn len(&self, args: &Args, steps: usize) -> usize {
        match self.extent {
            Extent::Rows(cols) => args.size(0) * cols(args),
            Extent::Table(stride) => (steps - 1) * stride(args) + args.size(0),
            Extent::Whole(len) => len(args, steps),
        }
    }
}

/// A binding of numbers that are read.
pub const fn read(name: &'static str) -> Binding {
    Binding::new(name, Access::Read, Dtype::F32)
}
/// A binding of indices that are read.
pub const fn read_u32(name: &'static str) -> Binding {
    Binding::new(name, Access::Read, Dtype::U32)
}
/// A binding of numbers that are written.
pub const fn write(name: &'static str) -> Binding {
    Binding::new(name, Access::Write, Dtype::F32)
}
/// A binding of indices that are written.
pub const fn write_u32(name: &'static str) -> Binding {
    Binding::new(name, Access::Write, Dtype::U32)
}
/// A binding of numbers that are read and written.
pub const fn update(name: &'static str) -> Binding {
    Binding::new(name, Access::Update, Dtype::F32)
}
/// A binding of indices that are read and written.
pub const fn update_u32(name: &'static str) -> Binding {
    Binding::new(name, Access::Update, Dtype::U32)
}

/// The step counter, which is read.
pub const fn step() -> Binding {
    read_u32("step").one().of(Values::Step)
}
