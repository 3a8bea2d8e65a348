//! Launches: how an operation says which kernels compute it, on which of its operands, results and scratch.

use super::{Dtype, Role, TensorType};
use crate::kernels::{Args, Kernel, Param};
use crate::target::{Constants, Target};

/// An operand or a result as its operation sees it: a type, and how it is divided.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// Shape and element type.
    pub ty: TensorType,
    /// Elements at which another buffer of the device begins, rising; none for what fits one.
    pub cuts: Vec<usize>,
}

impl std::ops::Deref for Operand {
    type Target = TensorType;

    fn deref(&self) -> &TensorType {
        &self.ty
    }
}

impl Operand {
    /// Elements between two steps' rows of a table; 0 for a plain tensor, which is the same at every step.
    pub fn stride(&self) -> usize {
        if self.ty.stepped { self.ty.len() } else { 0 }
    }
}

/// What a binding of a launch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An operand.
    Operand(usize),
    /// A result.
    Result(usize),
    /// A tensor of [`Launches::scratch`].
    Scratch(usize),
    /// From the start of one operand to the end of another, which lies behind it in the same arena.
    Span(usize, usize),
    /// The step counter, by which tables are indexed.
    Step,
    /// A binding that must exist and that the kernel does not touch.
    Unused,
}

/// A place, or some of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind {
    /// Which place.
    pub place: Place,
    /// First element.
    pub first: usize,
    /// Number of elements; `None` for all.
    pub len: Option<usize>,
}

impl From<Place> for Bind {
    fn from(place: Place) -> Bind {
        Bind { place, first: 0, len: None }
    }
}

/// A kernel with its arguments and bindings.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// The kernel.
    pub kernel: Kernel,
    /// Parameters and override constants.
    pub args: Args,
    /// Bindings in the kernel's order.
    pub binds: Vec<Bind>,
    /// What it is called in plans, where that is not the node's label.
    pub label: Option<String>,
    /// A parameter that is the distance in elements from the start of one operand to that of another: parameter, from, to.
    pub distance: Option<(usize, usize, usize)>,
}

/// A tensor that an operation needs for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Scratch {
    /// Whether anybody reads it: [`Role::Scratch`] or [`Role::Unused`].
    pub role: Role,
    /// For people.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
}

/// The launches of an operation, in order, and the scratch that they need.
#[derive(Debug)]
pub struct Launches<'a> {
    /// The node's label, for names of scratch and for messages.
    pub label: String,
    /// The operands.
    pub operands: Vec<Operand>,
    /// The results.
    pub results: Vec<Operand>,
    /// The device that the launches are for.
    pub target: &'a Target,
    /// The launches.
    pub list: Vec<Launch>,
    /// Tensors of their own.
    pub scratch: Vec<Scratch>,
    /// Whether the operation was divided because the target cannot hold it at once.
    pub divided: bool,
}

impl<'a> Launches<'a> {
    /// None yet, for a node of this label.
    pub fn new(label: &str, operands: Vec<Operand>, results: Vec<Operand>, target: &'a Target) -> Launches<'a> {
        let (list, scratch) = (Vec::new(), Vec::new());
        Launches { label: label.into(), operands, results, target, list, scratch, divided: false }
    }

    /// All operands, then all results.
    pub fn in_order(&self) -> Vec<Place> {
        let operands = (0..self.operands.len()).map(Place::Operand);
        operands.chain((0..self.results.len()).map(Place::Result)).collect()
    }

    /// A tensor of numbers between two launches.
    pub fn scratch(&mut self, name: String, shape: &[usize]) -> Place {
        self.tensor(Role::Scratch, name, shape)
    }

    /// A tensor that a kernel writes and nobody reads.
    pub fn unused(&mut self, shape: &[usize]) -> Place {
        self.tensor(Role::Unused, format!("unused by {}", self.label), shape)
    }

    fn tensor(&mut self, role: Role, name: String, shape: &[usize]) -> Place {
        self.scratch.push(Scratch { role, name, shape: shape.to_vec(), dtype: Dtype::F32 });
        Place::Scratch(self.scratch.len() - 1)
    }

    /// Adds a launch; the bindings are whole operands, results and scratch.
    pub fn push(&mut self, kernel: Kernel, params: Vec<Param>, constants: Constants, places: Vec<Place>) {
        self.push_parts(kernel, params, constants, places.into_iter().map(Bind::from).collect());
    }

    /// Names the launch that was added last, in the place of the node's label.
    pub fn call_last(&mut self, label: &str) {
        if let Some(launch) = self.list.last_mut() {
            launch.label = Some(label.into());
        }
    }

    /// Adds a launch.
    pub fn push_parts(&mut self, kernel: Kernel, params: Vec<Param>, constants: Constants, binds: Vec<Bind>) {
        let args = Args { params, constants };
        self.list.push(Launch { kernel, args, binds, label: None, distance: None });
    }
}

/// Sizes as parameters.
pub fn sizes(sizes: &[usize]) -> Vec<Param> {
    sizes.iter().map(|s| Param::U(*s as u32)).collect()
}
