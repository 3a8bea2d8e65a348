//! Philox4x32-10, a counter-based random number generator: the same seed and stream give the same numbers on every
//! machine, in any order of evaluation.
//!
//! The generator itself is in [`crate::kernels::philox`], for kernels draw from it too, and their conformance cases.

pub use crate::kernels::philox::Philox;

/// What random numbers are drawn for. Each purpose has streams of its own, so that a change in one place (one more
/// layer, one more epoch) leaves the numbers of every other place as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which rows are held out for validation.
    Split = 1,
    /// The order of the training rows; the index is the epoch.
    Epoch,
    /// Initial weights; the index is the layer.
    Init,
    /// Which elements a gradient check looks at; the index is the tensor.
    Gradcheck,
    /// The order of blocks of rows that lie in a file; the index is the epoch.
    Blocks,
    /// The order of rows within a window of such blocks; the index is the epoch, the part the window.
    Window,
}

/// The stream number of `purpose` with `index`: purpose in the upper half, index in the lower.
pub fn stream(purpose: Purpose, index: u32) -> u64 {
    ((purpose as u64) << 32) | u64::from(index)
}

/// The row of a step's table `random`: the upper half of the counters and the key from which layers draw in the training step
/// `step`, counted from 0. The highest bit keeps these counters apart from those of every [`stream`].
pub fn random_row(seed: u64, step: u64) -> [u32; 4] {
    [step as u32, 1 << 31 | (step >> 32) as u32, seed as u32, (seed >> 32) as u32]
}

/// A permutation of 0..n (Fisher and Yates, in Durstenfeld's form), each equally likely.
///
/// `n` is a number of rows, which the loader keeps within u32.
pub fn permutation(seed: u64, stream: u64, n: usize) -> Vec<u32> {
    permutation_part(seed, stream, 0, n)
}

/// The same from a part of the stream of its own: 2^32 blocks of numbers belong to each, more than n rows can use.
pub fn permutation_part(seed: u64, stream: u64, part: u32, n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut rng = Philox::new(seed, stream).from_block(u64::from(part) << 32);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.below(i as u32 + 1) as usize);
    }
    order
}

/// Whether row `row` of a file that is not held in memory is held out: each with the probability `fraction`, known without
/// the number of rows.
pub fn held_out(seed: u64, row: u64, fraction: f64) -> bool {
    Philox::new(seed, stream(Purpose::Split, 1)).from_block(row).next_f64() < fraction
}

/// The order in which the epoch `epoch` visits `n` training rows.
pub fn epoch_order(seed: u64, epoch: u32, n: usize) -> Vec<u32> {
    permutation(seed, stream(Purpose::Epoch, epoch), n)
}
