//! Places of what outlives a step: data sets, tables, parameters, gradients, states.

use super::super::{Arena, Holds, Lifetime, Range, Role};
use super::Lowering;
use crate::error::Result;
use crate::graph::{Dtype, Source, Value};
use crate::target::aligned;
use crate::target::blocks::{buffer_cuts, row_alignment};
use std::collections::{BTreeMap, HashMap};

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

    /// Parameters, gradients and states: an arena each, equal offsets where the states have the parameters' shapes. Parameters
    /// with weight decay come first, so that the decay is a range of the arena and the optimizer needs no per-element flag.
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
        let packed = self.pack(params.iter().map(|(name, value)| (name.as_str(), graph.ty(*value).rows_cols())))?;
        (self.params_len, self.params_cuts) = (packed.len, packed.cuts);
        let offsets = packed.offsets;
        let arena = self.parameter_arena("params".into(), Holds::Parameters);
        for (name, value) in &params {
            self.place(*value, Role::Tensor(name.clone()), arena, offsets[name]);
        }
        self.place_gradients(&offsets, "grads", |role| if let Role::Gradient(p) = role { Some(p) } else { None });
        self.place_gradients(&offsets, "clipped", |role| if let Role::Clipped(p) = role { Some(p) } else { None });
        let order: Vec<&String> = params.iter().map(|(name, _)| name).collect();
        self.place_states(&order)
    }

    /// Tensors, given by name, rows and columns, one behind the other in an arena.
    fn pack<'n>(&self, tensors: impl Iterator<Item = (&'n str, (usize, usize))>) -> Result<Packed> {
        let mut packed = Packed::default();
        for (name, (rows, cols)) in tensors {
            let offset = packed.len;
            self.cut_buffers(&mut packed.cuts, name, offset, (rows, cols))?;
            packed.offsets.insert(name.to_owned(), offset);
            packed.len += aligned(rows * cols);
        }
        Ok(packed)
    }

    /// Notes where an arena goes on in another buffer, so that the next tensor, at `offset`, lies in one buffer, or in several of
    /// whole rows.
    fn cut_buffers(
        &self,
        cuts: &mut Vec<usize>,
        name: &str,
        offset: usize,
        (rows, cols): (usize, usize),
    ) -> Result<()> {
        let max = self.options.limits.buffer_elements();
        let start = cuts.last().copied().unwrap_or(0);
        if offset + aligned(rows * cols) - start <= max {
            return Ok(());
        }
        if offset > start {
            cuts.push(offset);
        }
        let least = row_alignment(cols);
        let refused = || self.too_large(name, rows * cols, &format!("{least} rows of {cols} numbers"));
        let more = buffer_cuts(rows, cols, max).ok_or_else(refused)?;
        cuts.extend(more.into_iter().map(|row| offset + row * cols));
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

    /// The states of each slot in an arena, in the order of the parameters.
    fn place_states(&mut self, order: &[&String]) -> Result<()> {
        let graph = self.graph;
        let mut states: BTreeMap<usize, Vec<(usize, usize, &String)>> = BTreeMap::new();
        for (node, n) in graph.nodes.iter().enumerate() {
            let Some(Source::State { param, slot }) = n.op.source() else { continue };
            let at = order.iter().position(|name| *name == param).unwrap_or(usize::MAX);
            states.entry(*slot).or_default().push((at, node, param));
        }
        for (slot, mut states) in states {
            states.sort_unstable();
            let ty = |node: usize| &graph.nodes[node].results[0];
            let packed = self.pack(states.iter().map(|(_, node, param)| (param.as_str(), ty(*node).rows_cols())))?;
            let (lifetime, holds) = (Lifetime::Persistent, Holds::States);
            let arena = self.arena(format!("state.{slot}"), Dtype::F32, packed.len, lifetime, holds);
            self.arenas[arena].cuts = packed.cuts;
            for (_, node, param) in states {
                let role = Role::State { param: param.clone(), slot };
                self.place(Value { node, result: 0 }, role, arena, packed.offsets[param]);
            }
        }
        Ok(())
    }
}

/// Where tensors lie that were packed one behind the other, and where their arena goes on in another buffer.
#[derive(Default)]
struct Packed {
    offsets: HashMap<String, usize>,
    len: usize,
    cuts: Vec<usize>,
}
