//! What is known of a kernel.

pub use super::binding::{Access, Binding, Dtype, Extent, read, read_u32, step, update, update_u32, write, write_u32};
pub use super::call::{Args, BoundCall, BoundFn, Call, In, Measured, Out, Param};

use super::conformance::{self, Case, Shape};
use super::product::Products;
use std::sync::{Mutex, PoisonError};

/// From the arguments, the number of a read binding and an element of the first result: where the terms begin, their steps, their count.
pub type PartsFn = fn(&Args, usize, usize) -> [usize; 3];

/// What tells matrix products apart whose first parameters are m, n and k.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Whether a and b are stored transposed; `None` where the constants TRANS_A and TRANS_B say it.
    pub transposed: Option<[bool; 2]>,
    /// The operand whose rows are gathered: 0 for a, 1 for b.
    pub gathered: Option<usize>,
}

impl Product {
    /// Whether a and b are stored transposed in a dispatch with these arguments.
    pub fn transposed(self, args: &Args) -> [bool; 2] {
        self.transposed.unwrap_or_else(|| transposes(args))
    }
}

/// The constants TRANS_A and TRANS_B: whether a and b are stored transposed.
pub(super) fn transposes(args: &Args) -> [bool; 2] {
    ["TRANS_A", "TRANS_B"].map(|name| args.constant(name) != 0.0)
}

/// Which part of a train step a kernel computes, for the shader that runs whole steps in one dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPart {
    /// The rows of the batch.
    Gather,
    /// A product with bias and activation.
    Forward,
    /// A plain product; its transposes say what it is for.
    Product,
    /// The gradient of a layer's input, through the activation before it.
    InputGradient,
    /// The gradients of a weight and of its bias.
    WeightAndBias,
    /// The gradient of a bias alone.
    Bias,
    /// The mean of the losses.
    Mean,
    /// The update of the parameters, with the shader's code of the optimizer.
    Update(u32),
}

/// All that is known of a kernel.
#[derive(Clone)]
pub struct Definition {
    /// Label in plans and messages.
    pub name: &'static str,
    /// The shader's text, includes not yet expanded.
    pub wgsl: &'static str,
    /// What stands for the line `//#include formula` in the text: where kernels of a family differ.
    pub formula: &'static str,
    /// Storage bindings from binding 1 on.
    pub bindings: &'static [Binding],
    /// Names of the `Params` members, in order.
    pub params: &'static [&'static str],
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Number of workgroups, before folding into three dimensions.
    pub groups: fn(&Args) -> u64,
    /// Floating-point operations of one dispatch: every arithmetic operation and every built-in counts as one.
    pub flops: fn(&Args) -> u64,
    /// Bytes that must move even with a perfect cache, in `f32`: each element of each binding once, twice if it is updated.
    pub bytes: fn(&Args) -> u64,
    /// Rounds of all loops of an invocation together, for the loops that grow with the sizes; 0 where they are short.
    pub rounds: fn(&Args) -> u64,
    /// Whether a dispatch that is too large may be divided along its first parameter.
    pub divided: bool,
    /// The parameter that says at which of the first parameter's elements a block begins, where the results depend on it.
    pub start: Option<usize>,
    /// For a matrix product, which one.
    pub product: Option<Product>,
    /// Which part of a train step it computes, if whole steps know it. Activations and losses tell theirs by themselves.
    pub step_part: Option<StepPart>,
    /// Whether there is a text for subgroups beside the other.
    pub tilings: bool,
    /// Whether an invocation may take several words: the constant WORDS.
    pub strips: bool,
    /// The dispatches of a conformance run, without their operands; the argument is the subgroup size of an adapter on which
    /// matrix products may use subgroups.
    pub shapes: fn(Option<u32>) -> Vec<Shape>,
    /// Cases of special operands, made from those of the shapes.
    pub corners: fn(Kernel, &[Case]) -> Vec<Case>,
    /// Gives a shape the constants that a plan chooses for its sizes.
    pub chosen: fn(&mut Shape, Products),
    /// First parameters at which a benchmark times the kernel.
    pub timed: &'static [&'static [usize]],
    /// From where, in what steps and how many elements of read binding go into an element of the first result, where that does
    /// not follow from the lengths.
    pub parts: Option<PartsFn>,
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
    /// What most kernels share, to begin a definition with: one workgroup of 64, no operations, not divided. Name, text,
    /// bindings, params, bound and CPU functions are always a kernel's own.
    pub const NEW: Definition = Definition {
        name: "",
        wgsl: "",
        formula: "",
        bindings: &[],
        params: &[],
        workgroup: [64, 1, 1],
        groups: |_| 1,
        flops: |_| 0,
        bytes: |_| 0,
        rounds: |_| 0,
        divided: false,
        start: None,
        product: None,
        step_part: None,
        tilings: false,
        strips: false,
        shapes: |_| Vec::new(),
        corners: |_, _| Vec::new(),
        chosen: conformance::choose_lanes,
        timed: &[&[4096], &[1_863_690]],
        parts: None,
        bound_formula: "",
        bound: |_| Vec::new(),
        cpu_f32: |_| {},
        cpu_f64: |_| {},
    };

    /// Element by element over `n` elements, an invocation each: the first parameter is their number.
    pub const ELEMENT_WISE: Definition = Definition {
        params: &["n"],
        groups: |a| lines(a.count(0)),
        flops: |a| a.count(0),
        divided: true,
        shapes: |_| conformance::lengths(&[]),
        corners: conformance::huge,
        ..Definition::NEW
    };

    /// A matrix of `rows` rows of `cols` columns.
    pub const MATRIX: Definition = Definition {
        params: &["rows", "cols"],
        groups: |a| lines(a.area()),
        timed: &[&[32, 10], &[256, 10], &[1024, 1024]],
        ..Definition::NEW
    };

    /// The same row by row, LANES invocations a row.
    pub const ROW_WISE: Definition =
        Definition { groups: row_groups, divided: true, shapes: |_| conformance::row_wise(&[]), ..Definition::MATRIX };

    /// Elements of every binding that a dispatch touches, for tables of `steps` steps.
    pub fn extents(&self, args: &Args, steps: usize) -> Vec<usize> {
        self.bindings.iter().map(|b| b.len(args, steps)).collect()
    }
}

/// Workgroups of 64 invocations for `n` invocations.
pub fn lines(n: u64) -> u64 {
    n.div_ceil(64)
}

/// Workgroups for `n` elements in words of four, of which an invocation takes WORDS.
pub fn strips(args: &Args) -> u64 {
    lines(args.count(0).div_ceil(4).div_ceil((args.constant("WORDS") as u64).max(1)))
}

/// Workgroups of 64 invocations for the first parameter's rows, LANES invocations each.
fn row_groups(args: &Args) -> u64 {
    args.count(0).div_ceil(64 / (args.constant("LANES") as u64).max(1))
}

/// Makes kernels of definitions, each as `name = definition`: an associated constant of [`Kernel`] for each, and their list
/// `KERNELS`.
macro_rules! listed {
    ($($(#[$doc:meta])* $name:ident = $definition:expr;)*) => {
        #[allow(non_upper_case_globals, reason = "the names are the kernels' labels")]
        impl $crate::kernels::Kernel {
            $($(#[$doc])*
            pub const $name: Self = {
                static DEFINITION: $crate::kernels::Definition = $definition;
                Self::built_in(&DEFINITION)
            };)*
        }

        /// The kernels of this family.
        pub(super) const KERNELS: &[$crate::kernels::Kernel] = &[$($crate::kernels::Kernel::$name),*];
    };
}

/// Defines kernels, each as `name: shader's file, CPU function, error bound, its formula { other fields }`.
macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident: $file:literal, $($cpu:ident)::+, $bound:path, $formula:literal { $($fields:tt)* })*) => {
        $crate::kernels::definition::listed! {$(
            $(#[$doc])*
            $name = $crate::kernels::Definition {
                name: stringify!($name),
                wgsl: include_str!(concat!("../../shaders/", $file)),
                bound_formula: $formula,
                bound: $bound,
                cpu_f32: $($cpu)::+::<f32>,
                cpu_f64: $($cpu)::+::<f64>,
                $($fields)*
            };
        )*}
    };
}

pub(super) use {kernels, listed};

/// A kernel: a handle to its [`Definition`], which lives as long as the program.
#[derive(Clone, Copy)]
pub struct Kernel(&'static Definition);

impl Kernel {
    /// A kernel whose definition is a static.
    pub const fn built_in(definition: &'static Definition) -> Kernel {
        Kernel(definition)
    }

    /// A kernel of one's own. The same name, texts and bound give the same kernel, so that nothing is kept twice.
    pub fn define(definition: Definition) -> Kernel {
        static DEFINED: Mutex<Vec<&'static Definition>> = Mutex::new(Vec::new());
        let mut defined = DEFINED.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |d: &&&'static Definition| {
            let bound = std::ptr::fn_addr_eq(d.bound, definition.bound);
            bound && (d.name, d.wgsl, d.formula) == (definition.name, definition.wgsl, definition.formula)
        };
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
