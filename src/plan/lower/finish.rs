//! The end of the lowering: the order of the last dispatches, places for what lives within a step, grids.

use super::super::memory::{self, Tensor, Touch};
use super::super::{Buffer, Dispatch, Plan, Range, Role};
use super::cut::Part;
use super::{Lowering, Slot, guard};
use crate::error::Result;
use crate::graph::launch::Scratch;
use crate::kernels::{Access, Args, Kernel, Param};

impl Lowering<'_> {
    /// Emits what ends a step and resolves every place.
    pub(super) fn finish(mut self) -> Result<Plan> {
        match self.last.take() {
            Some(draft) => self.drafts.push(draft),
            None => {
                let args = Args { params: vec![Param::U(1)], constants: vec![] };
                let step = vec![self.whole(Slot::Fixed(self.step))];
                self.emit(Kernel::advance, "step", args, step)?;
            }
        }
        let trains = self.graph.outputs.iter().any(|(role, _)| matches!(role, Role::Updated(_)));
        let (tensors, touches) = self.lives();
        let ranges = memory::place(
            &self.options.name,
            &tensors,
            &touches,
            self.options.limits.buffer_elements(),
            &mut self.arenas,
        );
        let resolve = |part: &Part| {
            let whole = match part.slot {
                Slot::Fixed(range) => range,
                Slot::Scratch(t) => ranges[t],
            };
            Range { arena: whole.arena, offset: whole.offset + part.first, len: part.len }
        };
        let max = self.options.limits.max_compute_workgroups_per_dimension;
        let dispatches: Vec<Dispatch> = self
            .drafts
            .iter()
            .map(|d| Dispatch {
                kernel: d.kernel,
                label: d.label.clone(),
                args: d.args.clone(),
                bindings: d.bindings.iter().map(resolve).collect(),
                grid: fold_grid((d.kernel.groups)(&d.args), max),
            })
            .collect();
        let end = dispatches.len();
        let fixed = self.fixed.into_iter().map(|buffer| Buffer { live: (0, end), ..buffer });
        let scratch = self.scratch.into_iter().zip(&ranges).zip(&tensors).map(|((s, range), t)| {
            let Scratch { role, name, shape, .. } = s;
            Buffer { role, name, shape, range: *range, live: t.live }
        });
        let mut plan = Plan {
            name: self.options.name.clone(),
            steps: self.options.steps,
            arenas: self.arenas,
            buffers: fixed.chain(scratch).collect(),
            dispatches,
            guard: Vec::new(),
            whole: None,
        };
        if trains {
            guard::add(&mut plan, self.options);
        }
        Ok(plan)
    }

    /// The lives of the scratch tensors, and what each dispatch touches of them.
    fn lives(&self) -> (Vec<Tensor>, Vec<Touch>) {
        let end = self.drafts.len();
        let of = |Scratch { shape, dtype, .. }: &Scratch| {
            let (len, cols) = (shape.iter().product(), shape.get(1).copied().unwrap_or(1));
            Tensor { dtype: *dtype, len, cols, live: (usize::MAX, 0) }
        };
        let mut tensors: Vec<Tensor> = self.scratch.iter().map(of).collect();
        let mut touches = Vec::with_capacity(end);
        for (i, draft) in self.drafts.iter().enumerate() {
            let mut touch = Touch::default();
            for (part, binding) in draft.bindings.iter().zip(draft.kernel.bindings) {
                let Slot::Scratch(t) = &part.slot else { continue };
                if binding.access == Access::Read {
                    touch.reads.push(*t);
                } else {
                    touch.writes.push(*t);
                }
                let live = &mut tensors[*t].live;
                *live = (live.0.min(i), live.1.max(i));
            }
            touches.push(touch);
        }
        let kept = self.graph.outputs.iter().filter_map(|(_, v)| match self.slots.get(v) {
            Some(Slot::Scratch(t)) => Some(*t),
            _ => None,
        });
        for t in kept {
            tensors[t].live.1 = end;
        }
        if self.options.keep_all {
            tensors.iter_mut().for_each(|t| t.live = (0, end));
        }
        (tensors, touches)
    }
}

/// Folds a number of groups into x, y and z of at most `max` each; the shaders skip groups past the end. A number beyond
/// all three leaves z above `max`, which [`Plan::check`] refuses.
pub fn fold_grid(groups: u64, max: u32) -> [u32; 3] {
    let max = u64::from(max.max(1));
    let x = groups.clamp(1, max);
    let y = groups.div_ceil(x).clamp(1, max);
    let z = groups.div_ceil(x * y).clamp(1, u64::from(u32::MAX));
    [x as u32, y as u32, z as u32]
}
