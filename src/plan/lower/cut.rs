//! Dispatches that are too large for the target's bindings are cut into blocks, each a dispatch of its own.
//!
//! Kernels that work element by element or row by row are cut along their first parameter: every block is whole rows, which
//! lie in one piece, and every element is computed as without the cut. Matrix products are in `product`. A tensor that no
//! binding holds is never part of a fused group (`super::Lowering::may_fuse`), so that these rules cover everything.

use super::super::blocks::{block_rows, blocks, buffer_cuts, row_alignment};
use super::super::{ALIGN_ELEMENTS, Range};
use super::{Draft, Lowering, Slot};
use crate::error::{Error, Remedy, Result};
use crate::kernels::{Args, Kernel, Param};

/// What a binding sees of a tensor, in elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub slot: Slot,
    pub first: usize,
    pub len: usize,
}

/// How a binding follows when a dispatch is cut along its first parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Follow {
    /// Rows of so many elements.
    Rows(usize),
    /// A table, of which every step has a row with one element for each row of the dispatch.
    Table,
    /// The same for every block.
    Whole,
}

impl Lowering<'_> {
    /// Adds a dispatch; in blocks, if it is too large for one.
    pub(super) fn emit(
        &mut self,
        kernel: Kernel,
        label: &str,
        params: Vec<Param>,
        constants: super::Constants,
        bindings: Vec<Slot>,
    ) -> Result<()> {
        let args = Args { params, constants };
        let bindings: Vec<Part> = bindings.into_iter().map(|slot| self.whole(slot)).collect();
        if bindings.iter().all(|part| self.fits(*part)) {
            self.push(kernel, label, args, bindings);
            return Ok(());
        }
        match follow(kernel, &args) {
            Some(follow) => self.cut(kernel, label, &args, &bindings, &follow),
            None => Err(self.too_large(label, bindings.iter().map(|p| p.len).max().unwrap_or(0), "")),
        }
    }

    /// Adds a dispatch as it is.
    pub(super) fn push(&mut self, kernel: Kernel, label: &str, args: Args, bindings: Vec<Part>) {
        self.drafts.push(Draft { kernel, label: label.to_string(), args, bindings });
    }

    /// The whole tensor at `slot`.
    pub(super) fn whole(&self, slot: Slot) -> Part {
        let len = match slot {
            Slot::Fixed(range) => range.len,
            Slot::Scratch(t) => self.scratch[t].1.iter().product(),
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
                let shape = &self.scratch[t].1;
                let cols = shape.get(1).copied().unwrap_or(1);
                let rows = buffer_cuts(shape[0], cols, self.options.limits.buffer_elements()).unwrap_or_default();
                rows.into_iter().map(|r| r * cols).collect()
            }
        }
    }

    fn cut(&mut self, kernel: Kernel, label: &str, args: &Args, bindings: &[Part], follow: &[Follow]) -> Result<()> {
        let max = self.options.limits.binding_elements();
        let widest = follow.iter().map(|f| if let Follow::Rows(cols) = f { *cols } else { 0 }).max().unwrap_or(0);
        let align = follow.iter().map(|f| match f {
            Follow::Rows(cols) => row_alignment(*cols),
            Follow::Table => ALIGN_ELEMENTS,
            Follow::Whole => 1,
        });
        let align = align.max().unwrap_or(1);
        let Some(rows) = block_rows(widest, max, align) else {
            return Err(self.too_large(label, widest * args.size(0), &format!("{align} rows of {widest} numbers")));
        };
        let mut cuts: Vec<usize> = Vec::new();
        for (part, follow) in bindings.iter().zip(follow) {
            if let Follow::Rows(cols) = follow {
                cuts.extend(self.cuts(part.slot).into_iter().map(|c| c / cols));
            }
        }
        for block in blocks(args.size(0), rows, &cuts) {
            if block.start % align != 0 {
                return Err(self.too_large(label, widest * args.size(0), &format!("{align} rows of {widest} numbers")));
            }
            let part = |(p, f): (&Part, &Follow)| match f {
                Follow::Rows(cols) => Part { first: p.first + block.start * cols, len: block.len() * cols, ..*p },
                Follow::Table => Part { first: p.first + block.start, len: p.len - block.start, ..*p },
                Follow::Whole => *p,
            };
            let mut args = args.clone();
            args.params[0] = Param::U(block.len() as u32);
            if kernel == Kernel::dropout {
                // Random numbers are counted from the tensor's start.
                args.params[1] = Param::U(block.start as u32);
            }
            self.push(kernel, label, args, bindings.iter().zip(follow).map(part).collect());
        }
        self.divided = true;
        Ok(())
    }

    /// What cannot be divided: a tensor of `len` elements, because not even `least` fits a binding.
    pub(super) fn too_large(&self, label: &str, len: usize, least: &str) -> Error {
        let limits = &self.options.limits;
        let (name, limit) = match limits.max_buffer_size_bytes < limits.max_storage_buffer_binding_size_bytes {
            true => ("maxBufferSize", limits.max_buffer_size_bytes),
            false => ("maxStorageBufferBindingSize", limits.max_storage_buffer_binding_size_bytes),
        };
        let whole = 4 * len as u128;
        let why = match least {
            "" => "and cannot be divided".to_string(),
            least => format!(
                "and can be divided only in multiples of {least}, for a binding begins at a multiple of 256 bytes"
            ),
        };
        Error::Limit(format!(
            "the model is too large for the adapter: {name} is {limit} bytes, but {label} needs {whole} bytes {why}. Reduce \
             batch_size, or make the layers' sizes smaller or multiples of 64, or {}",
            Remedy::UseCpu
        ))
    }
}

/// How the bindings of a kernel follow its first parameter; `None` for a kernel that is not cut.
fn follow(kernel: Kernel, args: &Args) -> Option<Vec<Follow>> {
    let row = kernel.row();
    let cols = |i: usize| Follow::Rows(args.size(i));
    let each = Follow::Rows(1);
    Some(match row.params {
        ["n", "max_norm"] => vec![each, Follow::Whole, each],
        ["n"] | ["n", "slope" | "limit"] => vec![each; row.bindings.len()],
        _ if kernel == Kernel::layer_norm => vec![cols(1), Follow::Whole, Follow::Whole, cols(1)],
        _ if kernel == Kernel::layer_norm_grad => vec![cols(1), cols(1), Follow::Whole, cols(1), cols(1)],
        _ if kernel == Kernel::batch_norm => [&[cols(1)], &[Follow::Whole; 4][..], &[cols(1)]].concat(),
        _ if kernel == Kernel::dropout => vec![Follow::Whole, Follow::Whole, each, each],
        ["rows", "cols"] if kernel == Kernel::add_bias => vec![cols(1), Follow::Whole, cols(1)],
        ["rows", "cols"] => vec![cols(1); row.bindings.len()],
        ["rows", "cols", "upstream_stride", ..] => {
            let expected = if kernel == Kernel::cross_entropy { each } else { cols(1) };
            // A row of upstream gradients is that of a table, or the same for all steps.
            vec![Follow::Whole, cols(1), expected, Follow::Table, each, cols(1)]
        }
        _ => return None,
    })
}
