//! The guard of a plan that trains: what looks for numbers that are not finite, once a submit.
//!
//! A gradient that is no number ends in the parameters or in the optimizer's state, and stays there: so these are looked
//! through, after any number of steps, and nothing within a step is.

use super::super::{Arena, Buffer, Dispatch, Holds, Lifetime, Plan, Range, Role};
use super::{Options, fold_grid};
use crate::kernels::{Args, Dtype, Kernel, Param};
use crate::target::ALIGN_ELEMENTS;
use crate::target::blocks::blocks;

/// Gives a plan that has an optimizer its guard.
pub(super) fn add(plan: &mut Plan, options: &Options) {
    let kept = |a: &Arena| matches!(a.holds, Holds::Parameters | Holds::Running | Holds::States);
    let flag = Range { arena: plan.arenas.len(), offset: 0, len: 1 };
    // A binding and a buffer at a time, where an arena is larger.
    let most = (options.limits.binding_elements() / ALIGN_ELEMENTS * ALIGN_ELEMENTS).max(ALIGN_ELEMENTS);
    let groups = options.limits.max_compute_workgroups_per_dimension;
    for (arena, Arena { name, len, cuts, .. }) in plan.arenas.iter().enumerate().filter(|(_, a)| kept(a)) {
        for piece in blocks(*len, most, cuts) {
            let (offset, len) = (piece.start, piece.len());
            let args = Args { params: vec![Param::U(len as u32)], constants: vec![] };
            plan.guard.push(Dispatch {
                kernel: Kernel::find_nonfinite,
                label: name.clone(),
                grid: fold_grid((Kernel::find_nonfinite.groups)(&args), groups),
                args,
                bindings: vec![Range { arena, offset, len }, flag],
            });
        }
    }
    let (role, name) = (Role::NonFinite, Role::NonFinite.to_string());
    plan.arenas.push(Arena::new(format!("{}.{name}", options.name), Dtype::U32, 1, Lifetime::Plan, Holds::Guard));
    let live = (0, plan.dispatches.len());
    plan.buffers.push(Buffer { role, name, shape: vec![1], range: flag, live });
}
