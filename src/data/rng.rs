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
    Split,
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
    let purpose = match purpose {
        Purpose::Split => 1_u64,
        Purpose::Epoch => 2,
        Purpose::Init => 3,
        Purpose::Gradcheck => 4,
        Purpose::Blocks => 5,
        Purpose::Window => 6,
    };
    (purpose << 32) | u64::from(index)
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
    let stream = stream(Purpose::Split, 1);
    let mut rng = Philox::new(seed, stream).from_block(row);
    rng.next_f64() < fraction
}

/// The order in which the epoch `epoch` visits `n` training rows.
pub fn epoch_order(seed: u64, epoch: u32, n: usize) -> Vec<u32> {
    permutation(seed, stream(Purpose::Epoch, epoch), n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::philox::philox4x32;

    /// Known answers of the authors' library Random123 (file kat_vectors, philox4x32 with 10 rounds).
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_stream_is_the_blocks_of_its_counter() {
        let (seed, stream) = (0x0123_4567_89ab_cdef_u64, 0xfeed_beef_dead_c0de_u64);
        let mut rng = Philox::new(seed, stream);
        for block in 0..3_u32 {
            let words =
                philox4x32([block, 0, stream as u32, (stream >> 32) as u32], [seed as u32, (seed >> 32) as u32]);
            for word in words {
                assert_eq!(rng.next_u32(), word);
            }
        }
    }

    #[test]
    fn uniform_numbers_fill_the_unit_interval() {
        let n = 100_000;
        let mut rng = Philox::new(7, 0);
        let values: Vec<f64> = (0..n).map(|_| rng.next_f64()).collect();
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
        // The mean of n uniform numbers has standard deviation sqrt(1 / 12 n); five of them are a chance of 6e-7.
        let mean = values.iter().sum::<f64>() / f64::from(n);
        assert!((mean - 0.5).abs() < 5.0 / (12.0 * f64::from(n)).sqrt(), "mean {mean}");
    }

    #[test]
    fn integers_below_n_are_equally_likely() {
        // 3 * 2^30 is the worst case of the multiplication alone: four words go to three numbers, so that every third
        // number would come twice as often.
        let n = 3 << 30;
        let draws = 30_000_u32;
        let mut rng = Philox::new(1, 2);
        let thirds = (0..draws).filter(|_| rng.below(n).is_multiple_of(3)).count() as f64;
        // Binomial with p = 1/3; five standard deviations.
        let sd = (f64::from(draws) * (1.0 / 3.0) * (2.0 / 3.0)).sqrt();
        assert!((thirds - f64::from(draws) / 3.0).abs() < 5.0 * sd, "{thirds} of {draws}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
    }

    #[test]
    fn a_permutation_holds_every_row_once_and_depends_on_seed_and_stream() {
        for n in [0, 1, 2, 97, 1000] {
            let mut order = permutation(3, 4, n);
            order.sort_unstable();
            assert_eq!(order, (0..n as u32).collect::<Vec<_>>());
        }
        assert_eq!(permutation(3, 4, 50), permutation(3, 4, 50));
        assert_ne!(permutation(3, 4, 50), permutation(3, 5, 50));
        assert_ne!(permutation(3, 4, 50), permutation(4, 4, 50));
        assert_ne!(epoch_order(1, 0, 50), epoch_order(1, 1, 50));
        assert_ne!(epoch_order(1, 0, 50), permutation(1, stream(Purpose::Split, 0), 50));
    }

    #[test]
    fn every_permutation_of_three_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        let draws = 6000_u32;
        for i in 0..draws {
            *counts.entry(permutation(9, u64::from(i), 3)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        let sd = (f64::from(draws) * (1.0 / 6.0) * (5.0 / 6.0)).sqrt();
        assert!(counts.values().all(|&c| (f64::from(c) - 1000.0).abs() < 5.0 * sd), "{counts:?}");
    }
}
