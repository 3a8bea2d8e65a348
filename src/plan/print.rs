//! The text form of a plan: arenas, buffers, dispatches with cost, totals.

use super::{Arena, Dispatch, Lifetime, Plan, Range};
use crate::kernels::{Dtype, Param};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan {}: tables of {} steps", self.name, self.steps)?;
        writeln!(f, "\narenas")?;
        for arena in &self.arenas {
            writeln!(f, "  {arena}")?;
        }
        writeln!(f, "\nbuffers")?;
        for b in &self.buffers {
            let place = self.place(&b.range);
            writeln!(f, "  {:<34} {:<14} {place}  live {}..{}", b.name, format!("{:?}", b.shape), b.live.0, b.live.1)?;
        }
        match &self.whole {
            Some(whole) => writeln!(
                f,
                "\nthe step runs inside one dispatch of {} invocations, up to {} steps at a time (about {:.1} us a step; \
                 {:.1} us in these dispatches)",
                whole.workgroup(),
                whole.steps,
                whole.cost.whole_ns / 1e3,
                whole.cost.separate_ns / 1e3
            )?,
            None => writeln!(f, "\ndispatches of a step")?,
        }
        for (i, d) in self.dispatches.iter().enumerate() {
            self.dispatch(f, i, d)?;
        }
        if !self.guard.is_empty() {
            writeln!(f, "\nat the end of a submit")?;
        }
        for (i, d) in self.guard.iter().enumerate() {
            self.dispatch(f, i, d)?;
        }
        writeln!(
            f,
            "\ntotal: {} dispatches, {} FLOP and {} bytes moved a step, {} bytes of memory",
            self.dispatches.len(),
            self.flops(),
            self.traffic_bytes(),
            self.size_bytes()
        )
    }
}

impl Plan {
    fn dispatch(&self, f: &mut fmt::Formatter<'_>, i: usize, d: &Dispatch) -> fmt::Result {
        let row = d.kernel;
        let params: Vec<String> = row
            .params
            .iter()
            .zip(&d.args.params)
            .map(|(name, value)| match value {
                Param::U(v) => format!("{name}={v}"),
                Param::F(v) => format!("{name}={v}"),
            })
            .collect();
        let constants: Vec<String> = d.args.constants.iter().map(|(n, v)| format!("{n}={v}")).collect();
        writeln!(
            f,
            "  {i:>3} {:<22} {:<28} grid {:?}  {}  {}  {} FLOP, {} bytes",
            row.name,
            d.label,
            d.grid,
            params.join(" "),
            constants.join(" "),
            (row.flops)(&d.args),
            (row.bytes)(&d.args)
        )?;
        for (binding, range) in row.bindings.iter().zip(&d.bindings) {
            writeln!(f, "        {:<10} {:?} {}", binding.name, binding.access, self.place(range))?;
        }
        Ok(())
    }

    fn place(&self, range: &Range) -> String {
        let arena = &self.arenas[range.arena];
        format!("{}[{}..{}]", arena.name, range.offset, range.offset + range.len)
    }
}

impl fmt::Display for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = match self.dtype {
            Dtype::F32 => "f32",
            Dtype::U32 => "u32",
        };
        let lifetime = match self.lifetime {
            Lifetime::Persistent => "persistent",
            Lifetime::Plan => "plan",
            Lifetime::Step => "step",
        };
        write!(f, "{:<24} {dtype} x {:<10} {:>12} bytes  {lifetime}", self.name, self.len, 4 * self.len)
    }
}
