//! What tuning decides: the way in which the products of a class are computed.
//!
//! Every way keeps one order of sums, rising k. Whether a driver contracts a multiply and an add may still depend on the
//! text around them, so that two ways need not give the same bits: a table is a part of what a run's bits follow from.

use super::Products;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Products of like sizes, which share a way: y `[m, n]` = op(a) · op(b) over k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// m, n, k, each rounded up to a power of two.
    pub sizes: [usize; 3],
    /// Whether a and b are stored transposed.
    pub trans: [bool; 2],
    /// Whether n is a multiple of four, so that results can be stored in words of four.
    pub words: bool,
}

/// How a product is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Way {
    /// Tiles through workgroup memory, by so many invocations on each side.
    Tile(u32),
    /// The same without workgroup memory.
    Direct(u32),
    /// A subgroup a tile of so many blocks of four rows, operands passed between its lanes.
    Broadcast(u32),
}

/// Ways by class.
pub type Table = BTreeMap<Class, Way>;

/// Invocations on a side of a tile's workgroup.
const SIDES: [u32; 3] = [4, 8, 16];
/// Blocks of four rows in a tile by subgroups.
const BLOCKS: [u32; 4] = [1, 2, 4, 8];

impl Class {
    /// The class of a product.
    pub fn of(sizes: [usize; 3], trans: [bool; 2]) -> Class {
        // 2^31 is far above any size that a plan has.
        let rounded = sizes.map(|size| size.clamp(1, 1 << 31).next_power_of_two());
        Class { sizes: rounded, trans, words: sizes[1].is_multiple_of(4) }
    }
}

impl Products {
    /// The ways in which an adapter may compute products of `class`. On a software rasteriser tiles through workgroup memory
    /// are left out: a barrier is a switch of coroutines there. The broadcast tiling stores four columns at once, and
    /// each block of rows comes from a lane.
    pub fn ways(self, class: &Class) -> Vec<Way> {
        let tiles = SIDES.map(if self.direct { Way::Direct } else { Way::Tile });
        let lanes = self.lanes.filter(|_| class.words).unwrap_or(0);
        tiles.into_iter().chain(BLOCKS.into_iter().filter(|blocks| *blocks <= lanes).map(Way::Broadcast)).collect()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Tile(side) => write!(f, "tile {side}"),
            Way::Direct(side) => write!(f, "direct {side}"),
            Way::Broadcast(blocks) => write!(f, "broadcast {blocks}"),
        }
    }
}

impl TryFrom<String> for Way {
    type Error = String;

    fn try_from(text: String) -> Result<Way, String> {
        let known = SIDES.map(Way::Tile).into_iter().chain(SIDES.map(Way::Direct)).chain(BLOCKS.map(Way::Broadcast));
        let known: Vec<Way> = known.collect();
        let found = known.iter().find(|way| way.to_string() == text);
        found.copied().ok_or_else(|| {
            let names: Vec<String> = known.iter().map(Way::to_string).collect();
            format!("there is no way \"{text}\"; there are {}", names.join(", "))
        })
    }
}

impl From<Way> for String {
    fn from(way: Way) -> String {
        way.to_string()
    }
}
