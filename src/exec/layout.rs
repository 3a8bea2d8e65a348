//! Joins the arenas of several plans: persistent ones are shared by name, the others are each plan's own.

use crate::error::{Error, Result};
use crate::kernels::Dtype;
use crate::plan::{Arena, Holds, Lifetime, Plan, buffers};
use crate::target::aligned;

/// One allocation of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// Name of the arena.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Number of elements.
    pub len: usize,
    /// What it is for.
    pub holds: Holds,
    /// Elements at which another buffer begins; see [`crate::plan::Arena::cuts`].
    pub cuts: Vec<usize>,
    /// Elements that hold something else; see [`crate::plan::Arena::joined`].
    pub joined: Vec<(Holds, usize)>,
}

impl Allocation {
    /// Elements by what they hold.
    pub fn parts(&self) -> impl Iterator<Item = (Holds, usize)> {
        let others: usize = self.joined.iter().map(|(_, len)| len).sum();
        std::iter::once((self.holds, self.len - others)).chain(self.joined.iter().copied())
    }

    /// What it takes on a device.
    pub fn size_bytes(&self) -> u64 {
        buffers(&self.cuts, self.len).map(|(start, end)| 4 * aligned(end - start) as u64).sum()
    }
}

/// The allocations of a session, and for each plan which allocation each of its arenas is.
pub fn join(plans: &[Plan]) -> Result<(Vec<Allocation>, Vec<Vec<usize>>)> {
    let mut allocations: Vec<Allocation> = Vec::new();
    let mut place = |arena: &Arena| {
        let Some(i) = allocations.iter().position(|a| a.name == arena.name) else {
            let Arena { name, dtype, len, holds, cuts, joined, .. } = arena.clone();
            allocations.push(Allocation { name, dtype, len, holds, cuts, joined });
            return Ok(allocations.len() - 1);
        };
        let with = &mut allocations[i];
        // Plans share what outlives them, of one type and divided alike.
        if arena.lifetime != Lifetime::Persistent || arena.dtype != with.dtype || arena.cuts != with.cuts {
            return Err(Error::Internal(format!("two plans have an arena {} of their own", arena.name)));
        }
        if arena.len > with.len {
            with.len = arena.len;
            with.joined.clone_from(&arena.joined);
        }
        Ok(i)
    };
    let maps = plans.iter().map(|plan| plan.arenas.iter().map(&mut place).collect()).collect::<Result<_>>()?;
    Ok((allocations, maps))
}
