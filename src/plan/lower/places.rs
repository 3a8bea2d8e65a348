//! Places of what outlives a step: data sets, tables, parameters, gradients, states.

use super::super::{Arena, Holds, Lifetime, Range, Role};
use super::Lowering;
use crate::error::Result;
use crate::graph::{Dtype, Source, Value};
use crate::target::aligned;
use crate::target::blocks::{buffer_cuts, row_alignment};
use std::collections::HashMap;

impl Lowering<'_> {
    /// Data sets and tables: an arena each.
    pub(super) fn place_sources(&mut self, live: &[bool]) {
        for node in (0..self.graph.nodes.len()).filter(|n| live[*n]) {
            let n = &self.graph.nodes[node];
            let ty = &n.results[0];
            let (role, rows, lifetime, holds) = match n.op.source() {
                Some(Source::Data { name }) => (Role::Data(name.clone()), 1, Lifetime::Persistent, Holds::Data),
                Some(Source::Table { name }) => {
                    (Role::Table(name.clone()), self.options.steps, Lifetime::Plan, Holds::Tables)
                }
                _ => continue,
            };
            let len = ty.len() * rows;
            let name = match lifetime {
                Lifetime::Plan => format!("{}.{role}", self.options.name),
                _ => role.to_string(),
            };
            let arena = self.arena(name.clone(), ty.dtype, len, lifetime, holds);
            let range = Range { arena, offset: 0, len };
            self.fix(Value { node, result: 0 }, role, name, ty.shape.clone(), range);
        }
    }

    /// Parameters, gradients and states: an arena each, equal offsets. Parameters with weight decay come first, so that
    /// the decay is a range of the arena and the optimizer needs no per-element flag.
    pub(super) fn place_parameters(&mut self) -> Result<()> {
        let graph = self.graph;
        let decayed = |(_, v): &(String, Value)| {
            matches!(graph.nodes[v.node].op.source(), Some(Source::Param { decay: true, .. }))
        };
        let mut params = graph.params();
        params.sort_by_key(|param| !decayed(param));
        if params.is_empty() {
            return Ok(());
        }
        let mut offsets = HashMap::new();
        for (name, value) in &params {
            offsets.insert(name.clone(), self.params_len);
            let ty = graph.ty(*value);
            self.cut_buffers(name, self.params_len, ty.rows_cols())?;
            self.params_len += aligned(ty.len());
        }
        let arena = self.parameter_arena("params".into(), Holds::Parameters);
        for (name, value) in params {
            let offset = offsets[&name];
            self.place(value, Role::Tensor(name), arena, offset);
        }
        self.place_gradients(&offsets, "grads", |role| if let Role::Gradient(p) = role { Some(p) } else { None });
        self.place_gradients(&offsets, "clipped", |role| if let Role::Clipped(p) = role { Some(p) } else { None });
        self.place_states(&offsets);
        Ok(())
    }

    /// Notes where the arena of the parameters goes on in another buffer, so that the next parameter, at `offset`, lies in one
    /// buffer, or in several of whole rows.
    fn cut_buffers(&mut self, name: &str, offset: usize, (rows, cols): (usize, usize)) -> Result<()> {
        let max = self.options.limits.buffer_elements();
        let start = self.params_cuts.last().copied().unwrap_or(0);
        if offset + aligned(rows * cols) - start <= max {
            return Ok(());
        }
        if offset > start {
            self.params_cuts.push(offset);
        }
        let least = row_alignment(cols);
        let refused = || self.too_large(name, rows * cols, &format!("{least} rows of {cols} numbers"));
        let cuts = buffer_cuts(rows, cols, max).ok_or_else(refused)?;
        self.params_cuts.extend(cuts.into_iter().map(|row| offset + row * cols));
        Ok(())
    }

    /// Places all of a value in an arena.
    fn place(&mut self, value: Value, role: Role, arena: usize, offset: usize) {
        let ty = self.graph.ty(value);
        let range = Range { arena, offset, len: ty.len() };
        self.fix(value, role.clone(), role.to_string(), ty.shape.clone(), range);
    }

    /// An arena with a place for every parameter.
    fn parameter_arena(&mut self, name: String, holds: Holds) -> usize {
        let arena = Arena::new(name, Dtype::F32, self.params_len, Lifetime::Persistent, holds);
        self.arenas.push(Arena { cuts: self.params_cuts.clone(), ..arena });
        self.arenas.len() - 1
    }

    /// Running statistics: one arena, which all plans of a session share.
    pub(super) fn place_running(&mut self) {
        let graph = self.graph;
        let mut places = Vec::new();
        let mut len = 0;
        for (node, n) in graph.nodes.iter().enumerate() {
            if let Some(Source::Buffer { name }) = n.op.source() {
                places.push((node, name, len));
                len += aligned(n.results[0].len());
            }
        }
        if places.is_empty() {
            return;
        }
        let arena = self.arena("running".into(), Dtype::F32, len, Lifetime::Persistent, Holds::Running);
        for (node, name, offset) in places {
            self.place(Value { node, result: 0 }, Role::Tensor(name.clone()), arena, offset);
        }
    }

    /// The outputs of a parameter each, as `of` tells, in an arena called `place`.
    fn place_gradients(&mut self, offsets: &HashMap<String, usize>, place: &str, of: fn(&Role) -> Option<&String>) {
        let mut arena = None;
        for (role, value) in &self.graph.outputs {
            let Some(offset) = of(role).and_then(|p| offsets.get(p)) else { continue };
            let arena = *arena.get_or_insert_with(|| self.parameter_arena(place.into(), Holds::Gradients));
            self.place(*value, role.clone(), arena, *offset);
        }
    }

    /// The states of the optimizer, an arena for each slot.
    fn place_states(&mut self, offsets: &HashMap<String, usize>) {
        let mut arenas: HashMap<usize, usize> = HashMap::new();
        for (node, n) in self.graph.nodes.iter().enumerate() {
            let Some(Source::State { param, slot }) = n.op.source() else { continue };
            let new = || self.parameter_arena(format!("state.{slot}"), Holds::States);
            let arena = *arenas.entry(*slot).or_insert_with(new);
            let role = Role::State { param: param.clone(), slot: *slot };
            self.place(Value { node, result: 0 }, role, arena, offsets[param]);
        }
    }
}
