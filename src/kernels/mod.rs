//! The table of kernels: a [`Definition`] each, a module for each family.
//!
//! Bindings: group 0, binding 0 is the uniform `params`, then the definition's bindings in order.

pub mod activation;
mod binding;
pub mod bound;
mod call;
pub mod conformance;
pub mod cpu;
pub mod definition;
pub mod dropout;
mod element_wise;
pub mod elementary;
pub mod head;
pub mod loss;
mod normalisation;
pub mod optimizer;
pub mod philox;
pub mod product;
mod rows;
pub mod scalar;
pub mod shader;
mod softmax;
mod step;
mod sums;

pub use activation::Activation;
pub use cpu::carried::Carried;
pub use definition::{
    Access, Args, Binding, BoundCall, Call, Definition, Dtype, Extent, In, Kernel, Measured, Out, Param, Product,
};
pub use loss::Loss;
pub use scalar::Scalar;
pub use shader::Tiling;
pub use sums::SQUARE_SUM_PART;

/// Rows that one lane sums are short up to this width; wider rows take a workgroup of [`ROW_LANES`] each.
pub const NARROW_ROW: usize = 64;
/// Invocations that share a wide row in the row-wise kernels (losses, softmax).
pub const ROW_LANES: usize = 64;
/// Rows that one invocation of `col_sum` adds up; longer columns take a second pass over the partial sums.
pub const COL_SUM_ROWS: usize = 256;
/// Invocations on a side of a matrix product's workgroup where the plan does not say otherwise; each computes 4 x 4 outputs.
pub const MATMUL_SIDE: usize = 8;

/// The `LANES` constant for row-wise kernels over rows of `cols` elements.
pub fn row_lanes(cols: usize) -> usize {
    if cols <= NARROW_ROW { 1 } else { ROW_LANES }
}

/// The families, in the order in which kernels are listed.
const FAMILIES: &[&[Kernel]] = &[
    product::KERNELS,
    sums::KERNELS,
    rows::KERNELS,
    element_wise::KERNELS,
    dropout::KERNELS,
    step::KERNELS,
    activation::KERNELS,
    softmax::KERNELS,
    normalisation::KERNELS,
    loss::KERNELS,
    head::KERNELS,
    optimizer::KERNELS,
];

/// The first `N` kernels of [`FAMILIES`], one after the other, and how many there are.
const fn all<const N: usize>() -> ([Kernel; N], usize) {
    let (mut all, mut family, mut count) = ([Kernel::matmul; N], 0, 0);
    while family < FAMILIES.len() {
        let mut i = 0;
        while i < FAMILIES[family].len() {
            if count < N {
                all[count] = FAMILIES[family][i];
            }
            (i, count) = (i + 1, count + 1);
        }
        family += 1;
    }
    (all, count)
}

impl Kernel {
    /// Every kernel, family by family.
    pub const ALL: &[Kernel] = &all::<{ all::<0>().1 }>().0;

    /// The complete WGSL text.
    pub fn source(self) -> String {
        self.source_with(Tiling::Tile)
    }

    /// The complete WGSL text of a matrix product that works as `tiling` does; other kernels have one text.
    pub fn source_with(self, tiling: Tiling) -> String {
        shader::expand(&shader::section(self.wgsl, self.name), self.formula, tiling)
    }

    /// The tiling of a dispatch: for what is no matrix product, the default.
    pub fn tiling(self, args: &Args) -> Tiling {
        if self.tilings { Tiling::of(args) } else { Tiling::default() }
    }

    /// True for the matrix products.
    pub fn is_product(self) -> bool {
        self.product.is_some()
    }

    /// True for the matrix products that gather an operand's rows.
    pub fn gathers(self) -> bool {
        self.product.is_some_and(|p| p.gathered.is_some())
    }

    /// The kernel called `name`.
    pub fn by_name(name: &str) -> Option<Kernel> {
        Kernel::ALL.iter().copied().find(|k| k.name == name)
    }
}
