//! One arena for everything that a whole step changes, because a shader has few storage bindings.

use super::super::{Holds, Plan, Range};
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
        if !matches!(arena.holds, Holds::Scratch | Holds::Gradients | Holds::States) {
            moves.push((i, 0));
            continue;
        }
        let (into, end) = match arena.dtype {
            Dtype::F32 => (params, &mut floats),
            Dtype::U32 => (0, &mut words),
        };
        moves.push((into, *end));
        *end += aligned(arena.len);
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
