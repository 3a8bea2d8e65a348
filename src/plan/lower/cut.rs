//! Dispatches that are too large for the target's bindings are cut into blocks, each a dispatch of its own.
//!
//! Kernels that work element by element or row by row are cut along their first parameter: every block is whole rows, which
//! lie in one piece, and every element is computed as without the cut. Matrix products divide
//! themselves. A tensor that no binding holds is never part of a fused group, so that these rules cover everything.

use super::super::Range;
use super::{Draft, Lowering, Slot};
use crate::error::{Error, Result};
use crate::kernels::{Args, Binding, Extent, Kernel, Param};
use crate::target::ALIGN_ELEMENTS;
use crate::target::blocks::{block_rows, blocks, buffer_cuts, row_alignment};
use crate::target::limits::cannot_divide;

/// What a binding sees of a tensor, in elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub slot: Slot,
    pub first: usize,
    pub len: usize,
}

impl Draft {
    /// The part that computes `block` of the first parameter's elements.
    pub(super) fn block(&self, block: &std::ops::Range<usize>) -> Draft {
        let part = |(p, binding): (&Part, &Binding)| match binding.extent {
            Extent::Rows(cols) => {
                let cols = cols(&self.args);
                Part { first: p.first + block.start * cols, len: block.len() * cols, ..*p }
            }
            Extent::Table(_) => Part { first: p.first + block.start, len: p.len - block.start, ..*p },
            Extent::Whole(_) => *p,
        };
        let mut args = self.args.clone();
        args.params[0] = Param::U(block.len() as u32);
        if let Some(start) = self.kernel.start {
            args.params[start] = Param::U(block.start as u32);
        }
        let bindings = self.bindings.iter().zip(self.kernel.bindings).map(part).collect();
        Draft { kernel: self.kernel, label: self.label.clone(), args, bindings }
    }
}

impl Lowering<'_> {
    /// Adds a dispatch; in blocks, if it is too large for one.
    pub(super) fn emit(&mut self, kernel: Kernel, label: &str, args: Args, bindings: Vec<Part>) -> Result<()> {
        let draft = Draft { kernel, label: label.to_string(), args, bindings };
        if draft.bindings.iter().all(|part| self.fits(*part)) {
            self.drafts.push(draft);
            return Ok(());
        }
        match kernel.divided {
            true => self.cut(&draft),
            false => Err(self.too_large(label, draft.bindings.iter().map(|p| p.len).max().unwrap_or(0), "")),
        }
    }

    /// The whole tensor at `slot`.
    pub(super) fn whole(&self, slot: Slot) -> Part {
        let len = match slot {
            Slot::Fixed(range) => range.len,
            Slot::Scratch(t) => self.scratch[t].shape.iter().product(),
        };
        Part { slot, first: 0, len }
    }

    /// Whether one binding can hold `part`.
    pub(super) fn fits(&self, part: Part) -> bool {
        let inside = |cut: &usize| part.first < *cut && *cut < part.first + part.len;
        part.len <= self.options.limits.binding_elements() && !self.cuts(part.slot).iter().any(inside)
    }

    /// Elements of the tensor at `slot` at which another buffer begins.
    pub(super) fn cuts(&self, slot: Slot) -> Vec<usize> {
        match slot {
            Slot::Fixed(Range { arena, offset, len }) => {
                let cuts = self.arenas[arena].cuts.iter();
                cuts.filter(|c| offset < **c && **c < offset + len).map(|c| c - offset).collect()
            }
            Slot::Scratch(t) => {
                let shape = &self.scratch[t].shape;
                let cols = shape.get(1).copied().unwrap_or(1);
                let rows = buffer_cuts(shape[0], cols, self.options.limits.buffer_elements()).unwrap_or_default();
                rows.into_iter().map(|r| r * cols).collect()
            }
        }
    }

    /// Adds a dispatch in blocks that fit a binding and a buffer.
    fn cut(&mut self, draft: &Draft) -> Result<()> {
        let (label, size) = (&draft.label, draft.args.size(0));
        let max = self.options.limits.binding_elements();
        let bindings = draft.kernel.bindings.iter();
        let cols = |b: &Binding| if let Extent::Rows(cols) = b.extent { cols(&draft.args) } else { 0 };
        let widest = bindings.clone().map(cols).max().unwrap_or(0);
        let align = bindings.map(|b| match b.extent {
            Extent::Rows(cols) => row_alignment(cols(&draft.args)),
            Extent::Table(_) => ALIGN_ELEMENTS,
            Extent::Whole(_) => 1,
        });
        let align = align.max().unwrap_or(1);
        let refused = || self.too_large(label, widest * size, &format!("{align} rows of {widest} numbers"));
        let rows = block_rows(widest, max, align).ok_or_else(refused)?;
        let mut cuts: Vec<usize> = Vec::new();
        for (part, binding) in draft.bindings.iter().zip(draft.kernel.bindings) {
            if let Extent::Rows(cols) = binding.extent {
                cuts.extend(self.cuts(part.slot).into_iter().map(|c| c / cols(&draft.args)));
            }
        }
        let blocks = blocks(size, rows, &cuts);
        if blocks.iter().any(|block| block.start % align != 0) {
            return Err(refused());
        }
        self.drafts.extend(blocks.iter().map(|block| draft.block(block)));
        self.divided = true;
        Ok(())
    }

    pub(super) fn too_large(&self, label: &str, len: usize, least: &str) -> Error {
        cannot_divide(&self.options.limits, label, len, least)
    }
}
