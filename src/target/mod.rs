//! What launches depend on beside their operands: the limits of a device, and how it computes matrix products best.

pub mod blocks;
pub mod limits;

pub use crate::kernels::product::{Products, tuning};
pub use limits::Limits;

use std::sync::Arc;
use tuning::{Class, Table};

/// Elements between two buffers' starts are a multiple of this: 256 bytes, WebGPU's default offset alignment.
pub const ALIGN_ELEMENTS: usize = 64;

/// Rounds up to the alignment of buffers.
pub fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGN_ELEMENTS)
}

/// Override constants of a launch, by name.
pub type Constants = Vec<(&'static str, f64)>;

/// The device that launches are made for.
#[derive(Debug, Clone)]
pub struct Target {
    /// What is larger than a binding or a buffer is divided.
    pub limits: Limits,
    /// How matrix products work.
    pub products: Products,
    /// The ways that were measured to be the fastest; products of other classes follow the rules.
    pub tuned: Option<Arc<Table>>,
    /// An invocation may take several words of an element-wise kernel: cheaper where the device is software.
    pub strips: bool,
}

impl Target {
    /// The override constants for y `[m, n]` = op(a) · op(b) over k: of the measured way, where the device can take it.
    pub fn product(&self, sizes: [usize; 3], trans: [bool; 2]) -> Constants {
        let class = Class::of(sizes, trans);
        let measured = self.tuned.as_ref().and_then(|table| table.get(&class)).copied();
        let able = measured.filter(|way| self.products.ways(&class).contains(way));
        self.products.constants_of(able.unwrap_or_else(|| self.products.rule(sizes)), sizes, trans)
    }
}
