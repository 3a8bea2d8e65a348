//! Which tiling computes a matrix product, and with which constants.

use super::super::MATMUL_SIDE;
use super::tuning::Way;

/// How the matrix products of a plan work; a property of the adapter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Products {
    /// Without workgroup memory: on a software rasteriser that is ordinary memory, and a barrier is a switch of coroutines.
    pub direct: bool,
    /// The subgroup size where the adapter fixes it at 4 or 8: then subgroups pass operands between their lanes. Larger
    /// subgroups belong to hardware, where workgroup memory is as near.
    pub lanes: Option<u32>,
}

/// Tiles that a product should have at least: software adapters run a tile a thread, and most machines have four.
const MIN_TILES: usize = 4;
/// Workgroups that keep a hardware adapter busy: a few for each of some dozen multiprocessors. Not measured on one.
const FULL_DEVICE: usize = 128;

impl Products {
    /// The way for y `[m, n]` = op(a) · op(b) where nothing was measured. The broadcast tiling stores four columns at once.
    pub fn rule(self, [m, n, _]: [usize; 3]) -> Way {
        match self.lanes {
            Some(lanes) if n.is_multiple_of(4) => Way::Broadcast(blocks(m, n, lanes as usize) as u32),
            _ if self.direct => Way::Direct(self.side(m, n) as u32),
            _ => Way::Tile(self.side(m, n) as u32),
        }
    }

    /// Invocations on a side of the workgroup: wide tiles reuse more of what they load, small ones are more of them.
    fn side(self, m: usize, n: usize) -> usize {
        let tiles = |side: usize| m.div_ceil(4 * side) * n.div_ceil(4 * side);
        match self.direct {
            true if n <= 16 || tiles(MATMUL_SIDE) < MIN_TILES => 4,
            false if tiles(16) >= FULL_DEVICE => 16,
            _ => MATMUL_SIDE,
        }
    }

    /// The override constants for y `[m, n]` = op(a) · op(b) over k by the rules; `trans` says how a and b are stored.
    pub fn constants(self, sizes: [usize; 3], trans: [bool; 2]) -> Vec<(&'static str, f64)> {
        self.constants_of(self.rule(sizes), sizes, trans)
    }

    /// The same for a product that is computed as `way` says.
    pub fn constants_of(self, way: Way, [m, n, k]: [usize; 3], trans: [bool; 2]) -> Vec<(&'static str, f64)> {
        let stored = |transposed: bool, when: usize, otherwise: usize| if transposed { when } else { otherwise };
        let vec = |row: usize| f64::from(row.is_multiple_of(4));
        match way {
            Way::Tile(side) => vec![("DIRECT", 0.0), ("SIDE", f64::from(side))],
            Way::Direct(side) => vec![("DIRECT", 1.0), ("SIDE", f64::from(side))],
            Way::Broadcast(blocks) => vec![
                ("LANES", f64::from(self.lanes.unwrap_or_default())),
                ("BLOCKS", f64::from(blocks)),
                ("VEC_A", vec(stored(trans[0], m, k))),
                ("VEC_B", vec(stored(trans[1], k, n))),
            ],
        }
    }
}

/// Blocks of four rows in a tile: as many as there are lanes, fewer where there would be too few tiles or rows.
fn blocks(m: usize, n: usize, lanes: usize) -> usize {
    let tiles = |blocks: usize| m.div_ceil(4 * blocks) * n.div_ceil(4 * lanes);
    let mut blocks = lanes;
    while blocks > 2 && (tiles(blocks) < MIN_TILES || 4 * blocks >= 2 * m) {
        blocks /= 2;
    }
    blocks
}
