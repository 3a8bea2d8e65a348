//! One arena for everything that a whole step changes, because a shader has few storage bindings.

use super::super::{Arena, Holds, Plan, Range};
use crate::kernels::Dtype;
use crate::target::aligned;

/// Moves gradients, optimizer states and step scratch behind the parameters, and scratch of indices behind the step
/// counter. The parameters stay at the start of their arena, which other plans share by name.
pub fn merge(mut plan: Plan) -> Plan {
    let Some(params) = plan.arenas.iter().position(|a| a.holds == Holds::Parameters) else { return plan };
    // The step counter is a plan's first arena.
    let (mut floats, mut words) = (aligned(plan.arenas[params].len), aligned(plan.arenas[0].len));
    // For each arena, the one it becomes part of, and where it begins there.
    let mut moves: Vec<(usize, usize)> = Vec::with_capacity(plan.arenas.len());
    for (i, arena) in plan.arenas.iter().enumerate() {
        moves.push(match (joins(arena), arena.dtype) {
            (true, Dtype::F32) => {
                floats += aligned(arena.len);
                (params, floats - aligned(arena.len))
            }
            (true, Dtype::U32) => {
                words += aligned(arena.len);
                (0, words - aligned(arena.len))
            }
            (false, _) => (i, 0),
        });
    }
    plan.arenas[params].len = floats;
    plan.arenas[0].len = words;
    for (i, &(into, _)) in moves.iter().enumerate().filter(|(i, to)| to.0 != *i) {
        let part = (plan.arenas[i].holds, aligned(plan.arenas[i].len));
        plan.arenas[into].joined.push(part);
    }
    let kept: Vec<usize> = (0..plan.arenas.len()).filter(|i| moves[*i].0 == *i).collect();
    let place = |range: &mut Range| {
        let (arena, offset) = moves[range.arena];
        range.offset += offset;
        range.arena = kept.iter().position(|k| *k == arena).unwrap_or_default();
    };
    plan.buffers.iter_mut().for_each(|b| place(&mut b.range));
    plan.dispatches.iter_mut().chain(&mut plan.guard).flat_map(|d| &mut d.bindings).for_each(place);
    plan.arenas = kept.iter().map(|k| plan.arenas[*k].clone()).collect();
    plan
}

fn joins(arena: &Arena) -> bool {
    matches!(arena.holds, Holds::Scratch | Holds::Gradients | Holds::States)
}
